// A stand-in for the check that OpenFaaS' of-watchdog makes in front of a private function (jwt_auth=true), for tests.
//
//	watchdog --authority URL --name NAME --namespace NS [--listen ADDR]
//
// It reads URL/.well-known/openid-configuration and the key set once, at the start, and never again; prints its URL and
// ends when standard input closes. A call of any path needs `Authorization: Bearer TOKEN`: signed by the key that `kid`
// names, `iss` and `aud` equal to the discovery's issuer, not expired (1 s leeway); else 401 with the realm by which
// faas-cli knows to get itself a function token. `function.permissions`, and `function.audience` where it is there and
// not empty, have to match NS:NAME, else 403. They match as in the real one: by a regular expression that is anchored at
// neither end, in which only `*` means something, so that `dev:env` opens `prod-dev:env` too. Who gets in is answered
// with what was received, as JSON.
//
// Left out: the function behind it, every algorithm but ES256, health checks, metrics, concurrency limits, the fixed
// addresses of the authority (gateway.openfaas:8080, and 127.0.0.1:8000 with jwt_auth_local=true), and configuration by
// environment variables.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

const realm = "Bearer realm=IAM function invoke"

type watchdog struct {
	issuer, ref string
	keys        map[string]*ecdsa.PublicKey
}

func main() {
	authority := flag.String("authority", "", "URL of the gateway")
	name := flag.String("name", "", "the function's name")
	namespace := flag.String("namespace", "", "its namespace")
	address := flag.String("listen", "127.0.0.1:0", "address to listen on")
	flag.Parse()
	w, err := learn(*authority)
	check(err)
	w.ref = *namespace + ":" + *name
	listener, err := net.Listen("tcp", *address)
	check(err)
	go func() { log.Fatal(http.Serve(listener, w)) }()
	fmt.Printf("http://%s\n", listener.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// learn reads the discovery document and the key set that it names.
func learn(authority string) (*watchdog, error) {
	var discovery struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := get(authority+"/.well-known/openid-configuration", &discovery); err != nil {
		return nil, err
	}
	var set struct {
		Keys []struct{ Kid, Kty, Crv, X, Y string }
	}
	if err := get(discovery.JWKSURI, &set); err != nil {
		return nil, err
	}
	w := &watchdog{issuer: discovery.Issuer, keys: map[string]*ecdsa.PublicKey{}}
	for _, key := range set.Keys {
		if key.Kty == "EC" && key.Crv == "P-256" {
			w.keys[key.Kid] = &ecdsa.PublicKey{Curve: elliptic.P256(), X: number(key.X), Y: number(key.Y)}
		}
	}
	return w, nil
}

func get(url string, into any) error {
	answer, err := http.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, answer.Status)
	}
	return json.NewDecoder(answer.Body).Decode(into)
}

func number(text string) *big.Int {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	check(err)
	return new(big.Int).SetBytes(raw)
}

func (w *watchdog) ServeHTTP(answer http.ResponseWriter, r *http.Request) {
	claims, err := w.claims(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	switch {
	case err != nil:
		answer.Header().Set("WWW-Authenticate", realm)
		http.Error(answer, err.Error(), http.StatusUnauthorized)
	case !claims.Function.open(w.ref):
		http.Error(answer, "insufficient permissions", http.StatusForbidden)
	default:
		body, _ := io.ReadAll(r.Body)
		answer.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(answer).Encode(map[string]any{
			"method": r.Method, "target": r.RequestURI, "headers": r.Header, "body": string(body),
		})
	}
}

type claims struct {
	Iss      string   `json:"iss"`
	Aud      audience `json:"aud"`
	Exp      *float64 `json:"exp"`
	Nbf      float64  `json:"nbf"`
	Function grant    `json:"function"`
}

type grant struct {
	Permissions []string `json:"permissions"`
	Audience    []string `json:"audience"`
}

// audience is a text or a list of texts.
type audience []string

func (a *audience) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(a))
}

// claims verifies a token.
func (w *watchdog) claims(token string) (c claims, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, errors.New("Bearer must be present in Authorization header")
	}
	var header struct{ Alg, Kid string }
	if err := part(parts[0], &header); err != nil {
		return c, err
	}
	key := w.keys[header.Kid]
	if header.Alg != "ES256" || key == nil {
		return c, fmt.Errorf("invalid kid or alg: %s %s", header.Kid, header.Alg)
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err != nil || len(signature) != 64 ||
		!ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		return c, errors.New("the signature is wrong")
	}
	if err := part(parts[1], &c); err != nil {
		return c, err
	}
	now := float64(time.Now().Unix())
	switch {
	case c.Exp != nil && now > *c.Exp+1, c.Nbf > now+1:
		return c, errors.New("the token is expired or not valid yet")
	case c.Iss != w.issuer || !slices.Contains(c.Aud, w.issuer):
		return c, errors.New("iss or aud is not the gateway")
	}
	return c, nil
}

func part(text string, into any) error {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

func (g grant) open(ref string) bool {
	matches := func(pattern string) bool {
		expression := strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*")
		found, err := regexp.MatchString(expression, ref)
		return err == nil && found && pattern != ""
	}
	return (len(g.Audience) == 0 || slices.ContainsFunc(g.Audience, matches)) && slices.ContainsFunc(g.Permissions, matches)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
