// A real OpenID provider over TLS, for tests: zitadel/oidc with its in-memory storage, an issuer and keys of our choice.
//
// It prints its issuer as the first line. Each line `rotate` on standard input makes a new signing key, answered by
// its `kid`; it ends when standard input closes. Clients: `sid1` / `verysecret` by client credentials (a JWT with the
// claims of --claims), `native` and `web` / `secret` by code with PKCE, `device` / `secret` by device flow.
// It keeps nothing, and nothing in it is a secret.
package main

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
)

type options struct {
	listen, path, issuer, certificate, key, algorithm, claims, users, redirect string
}

func main() {
	o := parse()
	listener, err := listen(o)
	check(err)
	if o.issuer == "" {
		_, port, _ := net.SplitHostPort(listener.Addr().String())
		o.issuer = "https://localhost:" + port + o.path
	}
	provider, err := newProvider(o)
	check(err)
	go func() { log.Fatal(http.Serve(listener, handler(o, provider))) }()
	fmt.Println(o.issuer)
	obey(provider)
}

func parse() options {
	var o options
	flag.StringVar(&o.listen, "listen", "127.0.0.1:0", "address to listen on")
	flag.StringVar(&o.path, "path", "", "path below which the issuer is served, such as /realms/acme")
	flag.StringVar(&o.issuer, "issuer", "", "the issuer's text (default https://localhost:PORT and the path)")
	flag.StringVar(&o.certificate, "tls-cert", "", "certificate chain, PEM")
	flag.StringVar(&o.key, "tls-key", "", "its private key, PEM")
	flag.StringVar(&o.algorithm, "alg", "RS256", "RS256 or ES256")
	flag.StringVar(&o.claims, "claims", "", "JSON file of claims for every token, read anew each time")
	flag.StringVar(&o.users, "users", "", "JSON file of users (default: test-user@localhost / verysecure)")
	flag.StringVar(&o.redirect, "redirect", "http://localhost/auth/callback", "redirect address of the clients native and web")
	flag.Parse()
	return o
}

func listen(o options) (net.Listener, error) {
	certificate, err := tls.LoadX509KeyPair(o.certificate, o.key)
	if err != nil {
		return nil, err
	}
	return tls.Listen("tcp", o.listen, &tls.Config{Certificates: []tls.Certificate{certificate}})
}

func newProvider(o options) (*provider, error) {
	users := storage.NewUserStore("https://localhost:0")
	if o.users != "" {
		var err error
		if users, err = storage.StoreFromFile(o.users); err != nil {
			return nil, err
		}
	}
	storage.RegisterClients(
		storage.NativeClient("native", o.redirect),
		storage.WebClient("web", "secret", o.redirect),
		storage.DeviceClient("device", "secret"),
	)
	p := &provider{Storage: storage.NewStorage(users), algorithm: o.algorithm, claims: o.claims}
	_, err := p.rotate()
	return p, err
}

// handler serves the issuer below its path alone; the login pages' own links are absolute, so they are at the root.
func handler(o options, p *provider) http.Handler {
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	router := exampleop.SetupServer(o.issuer, p, logger, false)
	mux := http.NewServeMux()
	mux.Handle(o.path+"/", http.StripPrefix(o.path, router))
	if o.path != "" {
		mux.Handle("/login/", router)
		mux.Handle("/device/", router)
	}
	return mux
}

// obey carries out the lines on standard input until it closes.
func obey(p *provider) {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		switch strings.TrimSpace(lines.Text()) {
		case "rotate":
			id, err := p.rotate()
			check(err)
			fmt.Println(id)
		default:
			fmt.Fprintf(os.Stderr, "unknown command `%s`\n", lines.Text())
		}
	}
}

func readClaims(path string) (claims map[string]any, err error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return claims, json.Unmarshal(text, &claims)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
