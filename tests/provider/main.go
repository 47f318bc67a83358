// An OpenFaaS gateway with its provider, for tests and demonstrations: it keeps functions, Secrets and namespaces in
// memory, records each request byte for byte as it arrived on its connection, and tells which namespace it decoded.
// It is written in Go because the real ones are: JSON is read by encoding/json (keys match in any case, the last of two
// wins), queries by net/url, requests by net/http.
//
//	provider [--listen ADDR] [--control ADDR] [--default-namespace NS] [--user-file F --password-file F]
//	         [--functions NAME[.NS],…] [--namespaces NS,…]
//
// It prints two lines, the URL that it serves and that of its control endpoint, and ends when standard input closes.
//
// It serves what the CE gateway does, and of OpenFaaS Pro what clients ask of it as well (several namespaces, taking a
// queued call back): /system/functions, /system/function/NAME, /system/scale-function/NAME, /system/secrets,
// /system/namespaces, /system/namespace/NS, /system/info, /system/telemetry, /system/alert behind basic auth where a
// user is given, /system/logs as a stream, /function/NAME[.NS]/…, /async-function/NAME[.NS]/… with X-Call-Id and
// X-Callback-Url, /healthz, /ui/. An answer has the header X-Decoded-Namespace.
//
// A function answers with what it received, as JSON; its query asks for something else: status=CODE, delay=DURATION,
// size=BYTES, chunks=N or events=N (server-sent) with `delay` between them, stream=1 (gives back each piece of the body
// as it comes). With `Upgrade` it goes over to giving back every byte.
//
// GET /records of the control endpoint is a list, oldest first: n (counts up), connection, agent (User-Agent), method,
// target, raw (base64: head and body as they were on the wire), head, body (base64, chunks put together), bytes (of the
// body), cut (raw and body are not whole), namespace and name (as the provider acts on), named (every namespace that
// query, path and body gave), leftover (bytes on a connection that never became a request). ?agent= selects.
// DELETE /records forgets them. POST /functions?names=NAME.NS,… deploys what --functions does.
//
// Left out: containers, scaling (a function that is deployed is there), limits on what may be deployed (CE's one
// namespace, its 15 functions), TLS, gorilla/mux's way to clean a path by redirecting it, the dashboard, metrics,
// images, log lines of anybody but the provider itself. It is no example of how to check a password.
package main

import (
	"context"
	"crypto/subtle"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
)

type options struct {
	listen, control, namespace, user, password, functions, namespaces string
}

func main() {
	o := parse()
	p := newProvider(o.namespace)
	p.user, p.password = secret(o.user), secret(o.password)
	p.create(list(o.namespaces))
	p.seed(list(o.functions))
	served, control := listen(o.listen), listen(o.control)
	server := &http.Server{Handler: p, ConnContext: remember, ConnState: p.records.closed}
	go func() { log.Fatal(server.Serve(recording{Listener: served})) }()
	go func() { log.Fatal(http.Serve(control, p.control())) }()
	fmt.Printf("http://%s\nhttp://%s\n", served.Addr(), control.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func parse() options {
	var o options
	flag.StringVar(&o.listen, "listen", "127.0.0.1:0", "address to serve on")
	flag.StringVar(&o.control, "control", "127.0.0.1:0", "address for who looks at the records")
	flag.StringVar(&o.namespace, "default-namespace", "openfaas-fn", "namespace where a call names none")
	flag.StringVar(&o.user, "user-file", "", "file with the name for basic auth (default: nobody is asked)")
	flag.StringVar(&o.password, "password-file", "", "file with its password")
	flag.StringVar(&o.functions, "functions", "", "functions that are there, NAME or NAME.NS, by commas")
	flag.StringVar(&o.namespaces, "namespaces", "", "namespaces that are there besides, by commas")
	flag.Parse()
	return o
}

func listen(address string) net.Listener {
	listener, err := net.Listen("tcp", address)
	check(err)
	return listener
}

func secret(file string) string {
	if file == "" {
		return ""
	}
	text, err := os.ReadFile(file)
	check(err)
	return strings.TrimRight(string(text), "\r\n")
}

func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}

// known says whether the request has the basic credential, where one is asked for.
func (p *provider) known(r *http.Request) bool {
	user, password, _ := r.BasicAuth()
	return p.user == "" || subtle.ConstantTimeCompare([]byte(user+":"+password), []byte(p.user+":"+p.password)) == 1
}

type connectionKey struct{}

func remember(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, c)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
