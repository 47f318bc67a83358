package main

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// deployment is what is asked for with a function.
type deployment struct {
	Service     string             `json:"service"`
	Image       string             `json:"image"`
	Namespace   string             `json:"namespace,omitempty"`
	EnvProcess  string             `json:"envProcess,omitempty"`
	EnvVars     map[string]string  `json:"envVars,omitempty"`
	Constraints []string           `json:"constraints,omitempty"`
	Secrets     []string           `json:"secrets,omitempty"`
	Labels      *map[string]string `json:"labels,omitempty"`
	Annotations *map[string]string `json:"annotations,omitempty"`
	Limits      *resources         `json:"limits,omitempty"`
	Requests    *resources         `json:"requests,omitempty"`
	ReadOnly    bool               `json:"readOnlyRootFilesystem,omitempty"`
}

type resources struct {
	Memory string `json:"memory,omitempty"`
	CPU    string `json:"cpu,omitempty"`
}

// function is a deployed one, as it is listed.
type function struct {
	Name        string             `json:"name"`
	Image       string             `json:"image"`
	Namespace   string             `json:"namespace,omitempty"`
	EnvProcess  string             `json:"envProcess,omitempty"`
	EnvVars     map[string]string  `json:"envVars,omitempty"`
	Constraints []string           `json:"constraints,omitempty"`
	Secrets     []string           `json:"secrets,omitempty"`
	Labels      *map[string]string `json:"labels,omitempty"`
	Annotations *map[string]string `json:"annotations,omitempty"`
	Limits      *resources         `json:"limits,omitempty"`
	Requests    *resources         `json:"requests,omitempty"`
	ReadOnly    bool               `json:"readOnlyRootFilesystem,omitempty"`
	Invocations float64            `json:"invocationCount,omitempty"`
	Replicas    uint64             `json:"replicas,omitempty"`
	Available   uint64             `json:"availableReplicas,omitempty"`
	CreatedAt   time.Time          `json:"createdAt"`
}

type secretValue struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
	Value     string `json:"value,omitempty"`
	RawValue  []byte `json:"rawValue,omitempty"`
}

type namespace struct {
	Name        string            `json:"name"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
}

// place is a name within a namespace.
type place struct{ namespace, name string }

// provider is the whole state.
type provider struct {
	user, password, defaultNamespace string

	lock       sync.Mutex
	functions  map[place]*function
	secrets    map[place]secretValue
	namespaces map[string]namespace
	queued     map[string]func()

	records records
}

func newProvider(defaultNamespace string) *provider {
	p := &provider{
		defaultNamespace: defaultNamespace,
		functions:        map[place]*function{},
		secrets:          map[place]secretValue{},
		namespaces:       map[string]namespace{},
		queued:           map[string]func(){},
	}
	p.create([]string{defaultNamespace})
	return p
}

func (p *provider) create(names []string) {
	for _, name := range names {
		p.namespaces[name] = namespace{Name: name, Annotations: map[string]string{"openfaas": "1"}}
	}
}

// seed deploys functions by their names, with their namespaces.
func (p *provider) seed(names []string) {
	p.lock.Lock()
	defer p.lock.Unlock()
	for _, text := range names {
		at := p.split(text)
		p.create([]string{at.namespace})
		p.deploy(at.namespace, deployment{Service: at.name, Image: "ghcr.io/openfaas/alpine:latest"})
	}
}

// split is the gateway's rule: the last dot separates the namespace.
func (p *provider) split(text string) place {
	if dot := strings.LastIndex(text, "."); dot >= 0 {
		return place{text[dot+1:], text[:dot]}
	}
	return place{p.defaultNamespace, text}
}

func (p *provider) deploy(ns string, d deployment) {
	at := place{ns, d.Service}
	created := time.Now().UTC().Truncate(time.Second)
	if known := p.functions[at]; known != nil {
		created = known.CreatedAt
	}
	p.functions[at] = &function{
		Name: d.Service, Image: d.Image, Namespace: ns, EnvProcess: d.EnvProcess, EnvVars: d.EnvVars,
		Constraints: d.Constraints, Secrets: d.Secrets, Labels: d.Labels, Annotations: d.Annotations,
		Limits: d.Limits, Requests: d.Requests, ReadOnly: d.ReadOnly, Replicas: 1, Available: 1, CreatedAt: created,
	}
}

// in lists what a namespace has, by name.
func in[T any](all map[place]T, ns string) []T {
	keys := slices.SortedFunc(maps.Keys(all), func(a, b place) int { return strings.Compare(a.name, b.name) })
	found := []T{}
	for _, key := range keys {
		if key.namespace == ns {
			found = append(found, all[key])
		}
	}
	return found
}

// control is the second endpoint, for who looks at what arrived.
func (p *provider) control() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/records", &p.records)
	mux.HandleFunc("POST /functions", func(_ http.ResponseWriter, r *http.Request) {
		p.seed(list(r.URL.Query().Get("names")))
	})
	return mux
}
