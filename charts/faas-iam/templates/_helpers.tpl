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
