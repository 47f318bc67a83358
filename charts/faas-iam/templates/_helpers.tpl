{{/* The names of what the release makes; everything it makes begins with the release's name. */}}
{{- define "faas-iam.operator" -}}
{{- printf "%s-operator" (.Release.Name | trunc 50 | trimSuffix "-") -}}
{{- end -}}

{{- define "faas-iam.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "faas-iam.operator" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name: name the ServiceAccount that is there, or set serviceAccount.create" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* Cluster-wide objects of two releases must not meet. */}}
{{- define "faas-iam.clusterwide" -}}
{{- printf "%s:%s" .Release.Namespace (include "faas-iam.operator" .) -}}
{{- end -}}

{{- define "faas-iam.selector" -}}
app.kubernetes.io/name: faas-iam
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "faas-iam.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "faas-iam.selector" . }}
app.kubernetes.io/part-of: faas-iam
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "faas-iam.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{/* The pull secrets that are written for one credential alone, by namespace, as JSON. */}}
{{- define "faas-iam.dedicated" -}}
{{- $names := dict -}}
{{- range .Values.registry.dedicated -}}
{{- $_ := set $names .namespace (concat (default list (get $names .namespace)) .names | uniq) -}}
{{- end -}}
{{- toJson $names -}}
{{- end -}}

{{/* The pull secrets that are ours in the namespace of a request, in CEL. */}}
{{- define "faas-iam.pullSecrets" -}}
['{{ .Values.registry.secretName }}'] + {{ include "faas-iam.dedicated" . | replace "\"" "'" }}[?request.namespace].orValue([])
{{- end -}}

{{/*
The head of a policy that holds for the operator's requests on one resource, and its binding; variables and validations follow.
Cluster-wide objects of two releases must not meet: a namespace's name has no dot.
*/}}
{{- define "faas-iam.fence" -}}
{{- $root := index . 0 -}}
{{- $resource := index . 1 -}}
{{- $name := printf "%s.%s.%s" $root.Release.Namespace (include "faas-iam.operator" $root) $resource }}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ $name }}
  labels:
    {{- include "faas-iam.labels" $root | nindent 4 }}
spec:
  policyName: {{ $name }}
  validationActions: [Deny]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: {{ $name }}
  labels:
    {{- include "faas-iam.labels" $root | nindent 4 }}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
      - { apiGroups: [""], apiVersions: [v1], operations: {{ index . 2 | toJson }}, resources: [{{ $resource }}] }
  matchConditions:
    - name: the-operator
      expression: request.userInfo.username == 'system:serviceaccount:{{ $root.Release.Namespace }}:{{ include "faas-iam.serviceAccount" $root }}'
{{- end -}}
