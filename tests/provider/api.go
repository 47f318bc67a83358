package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const mostBytes = 16 << 20 // of a body that is read whole

var functionName = regexp.MustCompile(`^[-a-zA-Z_0-9.]+$`)

// ServeHTTP finds the route by the path as it came; nothing is cleaned.
func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	segments := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 3)
	switch first := segments[0]; {
	case first == "function" && len(segments) > 1:
		p.invoke(w, r, segments[1])
	case first == "async-function" && len(segments) > 1:
		p.enqueue(w, r, segments[1])
	case first == "system":
		p.system(w, r, segments[1:])
	default:
		p.elsewhere(w, r, first)
	}
}

func (p *provider) elsewhere(w http.ResponseWriter, r *http.Request, first string) {
	size, _ := io.Copy(io.Discard, r.Body)
	p.record(r, decoded{}, size)
	switch {
	case first == "healthz":
		fmt.Fprint(w, "OK")
	case first == "ui" && p.known(r):
		fmt.Fprint(w, "<title>dashboard</title>")
	case first == "ui":
		challenge(w)
	case first == "":
		http.Redirect(w, r, "/ui/", http.StatusMovedPermanently)
	default:
		http.NotFound(w, r)
	}
}

func challenge(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Basic realm="Restricted"`)
	http.Error(w, "invalid credentials", http.StatusUnauthorized)
}

// asked is a call of the REST API, its body read; it is answered like any ResponseWriter.
type asked struct {
	http.ResponseWriter
	request *http.Request
	body    []byte
	at      decoded
}

// names is where any of the bodies may name a namespace, read as Go reads.
type names struct {
	Namespace   string `json:"namespace"`
	Name        string `json:"name"`
	ServiceName string `json:"serviceName"`
	Service     string `json:"service"`
	Function    string `json:"functionName"`
}

func (p *provider) system(w http.ResponseWriter, r *http.Request, path []string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBytes))
	a := &asked{ResponseWriter: w, request: r, body: body}
	handle := p.route(a, path)
	p.record(r, a.at, int64(len(body)))
	w.Header().Set("X-Decoded-Namespace", a.at.namespace)
	switch {
	case !p.known(r):
		challenge(w)
	case err != nil:
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
	case handle == nil:
		http.NotFound(w, r)
	default:
		p.lock.Lock()
		defer p.lock.Unlock()
		handle(a)
	}
}

// route finds what carries a call out, and decodes the namespace where the real provider looks for it: functions are
// deployed where the body says, deleted and scaled where the query says, Secrets are where the body says.
func (p *provider) route(a *asked, path []string) func(*asked) {
	inBody, inPath := a.names(), ""
	if len(path) > 1 {
		inPath = path[1]
	}
	query := a.request.URL.Query()
	first := query.Get("namespace")
	a.at.named = append(append(a.at.named, query["namespace"]...), inBody.Namespace)
	a.at = decoded{namespace: p.orDefault(first), named: nonempty(a.at.named)}
	switch route := a.request.Method + " " + strings.Join(path[:1], ""); {
	case route == "GET functions":
		return p.listFunctions
	case route == "POST functions", route == "PUT functions":
		a.at.namespace, a.at.name = p.orDefault(inBody.Namespace), inBody.Service
		return p.deployFunction
	case route == "DELETE functions":
		a.at.name = inBody.Function
		return p.deleteFunction
	case route == "GET function" && functionName.MatchString(inPath):
		a.at.name = inPath
		return p.describe
	case route == "POST scale-function" && functionName.MatchString(inPath):
		a.at.name = inPath
		return p.scale
	case route == "GET logs":
		values := query["namespace"]
		if len(values) > 0 {
			a.at.namespace = p.orDefault(values[len(values)-1])
		}
		a.at.name = query.Get("name")
		return p.logs
	case route == "GET secrets":
		return p.listSecrets
	case route == "POST secrets", route == "PUT secrets", route == "DELETE secrets":
		a.at.namespace, a.at.name = p.orDefault(inBody.Namespace), inBody.Name
		return p.changeSecret
	case route == "GET namespaces":
		a.at.namespace = ""
		return p.listNamespaces
	case strings.HasSuffix(route, " namespace"):
		a.at.namespace = inPath
		a.at.named = nonempty(append(a.at.named, inPath, inBody.Name))
		return p.changeNamespace
	case route == "GET info":
		a.at.namespace = ""
		return p.info
	case route == "GET telemetry", route == "POST alert":
		a.at.namespace = ""
		return func(a *asked) { a.json(http.StatusOK, map[string]any{}) }
	}
	return nil
}

func (a *asked) names() (n names) {
	_ = json.Unmarshal(a.body, &n)
	return n
}

func nonempty(texts []string) []string {
	return slices.DeleteFunc(texts, func(text string) bool { return text == "" })
}

func (p *provider) orDefault(ns string) string {
	if ns == "" {
		return p.defaultNamespace
	}
	return ns
}

func (a *asked) json(status int, body any) {
	a.Header().Set("Content-Type", "application/json")
	a.WriteHeader(status)
	_ = json.NewEncoder(a).Encode(body)
}

// read reads the body, and answers where it is none.
func read[T any](a *asked) (body T, ok bool) {
	if err := json.Unmarshal(a.body, &body); err != nil {
		http.Error(a, "unable to unmarshal request: "+err.Error(), http.StatusBadRequest)
		return body, false
	}
	return body, true
}

func (p *provider) listFunctions(a *asked) { a.json(http.StatusOK, in(p.functions, a.at.namespace)) }

func (p *provider) deployFunction(a *asked) {
	body, ok := read[deployment](a)
	_, exists := p.functions[place{a.at.namespace, body.Service}]
	_, enabled := p.namespaces[a.at.namespace]
	switch {
	case !ok:
	case body.Service == "" || body.Image == "":
		http.Error(a, "validation failed: service and image are needed", http.StatusBadRequest)
	case !enabled:
		http.Error(a, "namespace not valid: "+a.at.namespace, http.StatusBadRequest)
	case a.request.Method == http.MethodPut && !exists:
		http.Error(a, "unable to find service: "+body.Service, http.StatusNotFound)
	case a.request.Method == http.MethodPost && exists:
		http.Error(a, "service already exists: "+body.Service, http.StatusConflict)
	default:
		p.deploy(a.at.namespace, body)
		a.WriteHeader(http.StatusAccepted)
	}
}

func (p *provider) deleteFunction(a *asked) {
	at := place{a.at.namespace, a.at.name}
	if p.functions[at] == nil {
		a.WriteHeader(http.StatusNotFound)
		return
	}
	delete(p.functions, at)
	a.WriteHeader(http.StatusAccepted)
}

func (p *provider) describe(a *asked) {
	if found := p.functions[place{a.at.namespace, a.at.name}]; found != nil {
		a.json(http.StatusOK, found)
	} else {
		a.WriteHeader(http.StatusNotFound)
	}
}

func (p *provider) scale(a *asked) {
	body, ok := read[struct {
		Replicas uint64 `json:"replicas"`
	}](a)
	found := p.functions[place{a.at.namespace, a.at.name}]
	switch {
	case !ok:
	case found == nil:
		http.Error(a, "unable to lookup function deployment "+a.at.name, http.StatusInternalServerError)
	default:
		found.Replicas, found.Available = body.Replicas, body.Replicas
		a.WriteHeader(http.StatusAccepted)
	}
}

// logs streams lines; with follow=true it goes on until the client leaves.
func (p *provider) logs(a *asked) {
	p.lock.Unlock()
	defer p.lock.Lock()
	a.Header().Set("Content-Type", "application/x-ndjson")
	a.WriteHeader(http.StatusOK)
	lines, _ := strconv.Atoi(a.request.URL.Query().Get("tail"))
	follow, _ := strconv.ParseBool(a.request.URL.Query().Get("follow"))
	for line := 0; line < max(lines, 1) || follow; line++ {
		_ = json.NewEncoder(a).Encode(map[string]any{
			"name": a.at.name, "namespace": a.at.namespace, "instance": a.at.name + "-0",
			"timestamp": time.Now().UTC().Format(time.RFC3339Nano), "text": fmt.Sprintf("line %d", line),
		})
		_ = http.NewResponseController(a.ResponseWriter).Flush()
		select {
		case <-a.request.Context().Done():
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// listSecrets gives more than CE does: a value, which nobody may see who lists.
func (p *provider) listSecrets(a *asked) { a.json(http.StatusOK, in(p.secrets, a.at.namespace)) }

func (p *provider) changeSecret(a *asked) {
	body, ok := read[secretValue](a)
	at := place{a.at.namespace, body.Name}
	_, exists := p.secrets[at]
	switch {
	case !ok:
	case a.request.Method == http.MethodPost && exists:
		http.Error(a, "secret already exists", http.StatusConflict)
	case a.request.Method != http.MethodPost && !exists:
		http.Error(a, "secret not found", http.StatusNotFound)
	case a.request.Method == http.MethodDelete:
		delete(p.secrets, at)
		a.WriteHeader(http.StatusAccepted)
	default:
		body.Namespace = a.at.namespace
		p.secrets[at] = body
		a.WriteHeader(http.StatusAccepted)
	}
}

func (p *provider) listNamespaces(a *asked) {
	a.json(http.StatusOK, slices.Sorted(maps.Keys(p.namespaces)))
}

func (p *provider) changeNamespace(a *asked) {
	ns := a.at.namespace
	known, exists := p.namespaces[ns]
	var body namespace
	if a.request.Method != http.MethodGet {
		var ok bool
		if body, ok = read[namespace](a); !ok {
			return
		}
		body.Name = ns
	}
	switch {
	case ns == "":
		a.WriteHeader(http.StatusBadRequest)
	case a.request.Method == http.MethodPost && exists:
		http.Error(a, "namespace already exists", http.StatusConflict)
	case a.request.Method != http.MethodPost && !exists:
		http.Error(a, "namespace not found", http.StatusNotFound)
	case a.request.Method == http.MethodGet:
		a.json(http.StatusOK, known)
	case a.request.Method == http.MethodPost:
		p.namespaces[ns] = body
		a.WriteHeader(http.StatusCreated)
	case a.request.Method == http.MethodPut:
		p.namespaces[ns] = body
		a.WriteHeader(http.StatusAccepted)
	case a.request.Method == http.MethodDelete:
		delete(p.namespaces, ns)
		a.WriteHeader(http.StatusAccepted)
	default:
		a.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func (p *provider) info(a *asked) {
	version := map[string]string{"sha": "0000000", "release": "test"}
	a.json(http.StatusOK, map[string]any{
		"provider": map[string]any{"provider": "faas-iam-test-provider", "orchestration": "memory", "version": version},
		"version":  version,
		"arch":     "x86_64",
	})
}
