package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"sync"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// provider is the library's in-memory storage with keys that rotate, claims from a file and JWTs for services.
type provider struct {
	*storage.Storage
	algorithm, claims string
	lock              sync.Mutex
	keys              []signingKey
}

type signingKey struct {
	id     string
	signer crypto.Signer
	alg    jose.SignatureAlgorithm
}

func (k signingKey) ID() string                                  { return k.id }
func (k signingKey) Key() any                                    { return k.signer }
func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return k.alg }

type publicKey struct{ signingKey }

func (k publicKey) Key() any                           { return k.signer.Public() }
func (k publicKey) Algorithm() jose.SignatureAlgorithm { return k.alg }
func (k publicKey) Use() string                        { return "sig" }

// rotate makes a key that signs from now on; the one before it stays published, older ones go.
func (p *provider) rotate() (string, error) {
	signer, err := generate(p.algorithm)
	if err != nil {
		return "", err
	}
	key := signingKey{uuid.NewString(), signer, jose.SignatureAlgorithm(p.algorithm)}
	p.lock.Lock()
	defer p.lock.Unlock()
	p.keys = append([]signingKey{key}, p.keys...)
	p.keys = p.keys[:min(len(p.keys), 2)]
	return key.id, nil
}

func generate(algorithm string) (crypto.Signer, error) {
	switch algorithm {
	case "RS256":
		return rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		return nil, fmt.Errorf("unknown algorithm `%s`", algorithm)
	}
}

func (p *provider) SigningKey(context.Context) (op.SigningKey, error) {
	p.lock.Lock()
	defer p.lock.Unlock()
	return p.keys[0], nil
}

func (p *provider) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.SignatureAlgorithm(p.algorithm)}, nil
}

func (p *provider) KeySet(context.Context) ([]op.Key, error) {
	p.lock.Lock()
	defer p.lock.Unlock()
	var set []op.Key
	for _, key := range p.keys {
		set = append(set, publicKey{key})
	}
	return set, nil
}

func (p *provider) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return readClaims(p.claims)
}

func (p *provider) SetUserinfoFromScopes(ctx context.Context, info *oidc.UserInfo, user, client string, scopes []string) error {
	claims, err := readClaims(p.claims)
	for name, value := range claims {
		info.AppendClaims(name, value)
	}
	if err != nil {
		return err
	}
	return p.Storage.SetUserinfoFromScopes(ctx, info, user, client, scopes)
}

func (p *provider) ClientCredentials(ctx context.Context, id, secret string) (op.Client, error) {
	client, err := p.Storage.ClientCredentials(ctx, id, secret)
	return jwtClient{client}, err
}

// ClientCredentialsTokenRequest takes `sub` and `aud` from the claims too; the service's own name where they say nothing.
func (p *provider) ClientCredentialsTokenRequest(_ context.Context, id string, scopes []string) (op.TokenRequest, error) {
	claims, err := readClaims(p.claims)
	request := &oidc.JWTTokenRequest{Subject: id, Audience: []string{id}, Scopes: scopes}
	if subject, ok := claims["sub"].(string); ok {
		request.Subject = subject
	}
	if audience, ok := claims["aud"].(string); ok {
		request.Audience = []string{audience}
	}
	return request, err
}

// jwtClient gets JWTs as access tokens, as every provider that services can federate with gives.
type jwtClient struct{ op.Client }

func (jwtClient) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }
