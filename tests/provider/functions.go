package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const echoedBytes = 64 << 10

// invoke calls a function and answers as it does.
func (p *provider) invoke(w http.ResponseWriter, r *http.Request, name string) {
	at := p.split(name)
	w.Header().Set("X-Decoded-Namespace", at.namespace)
	if !p.deployed(at) {
		size, _ := io.Copy(io.Discard, r.Body)
		p.record(r, at.decoded(), size)
		http.Error(w, fmt.Sprintf("error finding function %s: not found", name), http.StatusNotFound)
		return
	}
	query := r.URL.Query()
	switch {
	case r.Header.Get("Upgrade") != "":
		p.upgrade(w, r, at)
	case query.Has("stream"):
		p.stream(w, r, at)
	default:
		text, size := some(r.Body)
		p.record(r, at.decoded(), size)
		p.called(at)
		answer(r.Context(), w, query, received(r, at, text, size))
	}
}

func (at place) decoded() decoded {
	return decoded{namespace: at.namespace, name: at.name, named: []string{at.namespace}}
}

func (p *provider) deployed(at place) bool {
	p.lock.Lock()
	defer p.lock.Unlock()
	return p.functions[at] != nil
}

func (p *provider) called(at place) {
	p.lock.Lock()
	defer p.lock.Unlock()
	if found := p.functions[at]; found != nil {
		found.Invocations++
	}
}

// some reads a body to its end and keeps its beginning.
func some(body io.Reader) (string, int64) {
	var kept bytes.Buffer
	size, _ := io.Copy(&kept, io.LimitReader(body, echoedBytes))
	more, _ := io.Copy(io.Discard, body)
	return kept.String(), size + more
}

// received is what a function tells of a call.
func received(r *http.Request, at place, text string, size int64) map[string]any {
	_, path, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	_, path, below := strings.Cut(path, "/")
	if below {
		path = "/" + path
	}
	return map[string]any{
		"function": at.name, "namespace": at.namespace, "method": r.Method, "path": path, "query": r.URL.RawQuery,
		"host": r.Host, "headers": r.Header, "body": text, "bytes": size,
	}
}

// answer answers as the query asks for.
func answer(ctx context.Context, w http.ResponseWriter, query url.Values, told map[string]any) {
	status, _ := strconv.Atoi(query.Get("status"))
	delay, _ := time.ParseDuration(query.Get("delay"))
	size, _ := strconv.ParseInt(query.Get("size"), 10, 64)
	chunks, _ := strconv.Atoi(query.Get("chunks"))
	events, _ := strconv.Atoi(query.Get("events"))
	if status < 200 || status > 599 {
		status = http.StatusOK
	}
	switch {
	case events > 0:
		w.Header().Set("Content-Type", "text/event-stream")
		pieces(ctx, w, status, events, delay, "data: %d\n\n")
	case chunks > 0:
		pieces(ctx, w, status, chunks, delay, "chunk %d\n")
	case size > 0:
		pause(ctx, delay)
		w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
		w.WriteHeader(status)
		_, _ = io.CopyN(w, zeros{}, size)
	default:
		pause(ctx, delay)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(told)
	}
}

func pieces(ctx context.Context, w http.ResponseWriter, status, count int, delay time.Duration, format string) {
	w.WriteHeader(status)
	for piece := range count {
		_, _ = fmt.Fprintf(w, format, piece)
		_ = http.NewResponseController(w).Flush()
		pause(ctx, delay)
	}
}

func pause(ctx context.Context, delay time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(delay):
	}
}

type zeros struct{}

func (zeros) Read(into []byte) (int, error) {
	clear(into)
	return len(into), nil
}

// stream gives back each piece of the body as it comes.
func (p *provider) stream(w http.ResponseWriter, r *http.Request, at place) {
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex()
	w.WriteHeader(http.StatusOK)
	_ = control.Flush()
	size, piece := int64(0), make([]byte, 32<<10)
	for {
		n, err := r.Body.Read(piece)
		size += int64(n)
		_, _ = w.Write(piece[:n])
		_ = control.Flush()
		if err != nil {
			break
		}
	}
	p.record(r, at.decoded(), size)
}

// upgrade goes over to the protocol that was asked for, in which every byte is given back.
func (p *provider) upgrade(w http.ResponseWriter, r *http.Request, at place) {
	p.record(r, at.decoded(), 0)
	connection, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer connection.Close()
	if tape, ok := connection.(*tape); ok {
		tape.stop()
	}
	_, _ = fmt.Fprintf(connection, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n",
		r.Header.Get("Upgrade"))
	_, _ = io.Copy(connection, buffered)
}

// enqueue accepts a call for later, or takes one back.
func (p *provider) enqueue(w http.ResponseWriter, r *http.Request, name string) {
	if r.Method == http.MethodDelete {
		p.takeBack(w, r, name)
		return
	}
	at := p.split(name)
	text, size := some(r.Body)
	p.record(r, at.decoded(), size)
	w.Header().Set("X-Decoded-Namespace", at.namespace)
	if !p.deployed(at) {
		http.Error(w, fmt.Sprintf("error finding function %s: not found", name), http.StatusNotFound)
		return
	}
	id := r.Header.Get("X-Call-Id")
	if id == "" {
		id = rand.Text()
	}
	ctx, stop := context.WithCancel(context.Background())
	p.lock.Lock()
	p.queued[id] = stop
	p.lock.Unlock()
	go p.later(ctx, id, at, r.URL.Query(), r.Header.Get("X-Callback-Url"), received(r, at, text, size))
	w.Header().Set("X-Call-Id", id)
	w.WriteHeader(http.StatusAccepted)
}

func (p *provider) takeBack(w http.ResponseWriter, r *http.Request, id string) {
	size, _ := io.Copy(io.Discard, r.Body)
	p.record(r, decoded{}, size)
	p.lock.Lock()
	defer p.lock.Unlock()
	if stop := p.queued[id]; stop != nil {
		stop()
		delete(p.queued, id)
		w.WriteHeader(http.StatusAccepted)
		return
	}
	w.WriteHeader(http.StatusNotFound)
}

// later calls a queued function and tells the answer to who wants to be called back.
func (p *provider) later(ctx context.Context, id string, at place, query url.Values, callback string, told map[string]any) {
	delay, _ := time.ParseDuration(query.Get("delay"))
	pause(ctx, delay)
	p.lock.Lock()
	delete(p.queued, id)
	p.lock.Unlock()
	if ctx.Err() != nil {
		return
	}
	p.called(at)
	if callback == "" {
		return
	}
	body, _ := json.Marshal(told)
	request, err := http.NewRequest(http.MethodPost, callback, bytes.NewReader(body))
	if err != nil {
		return
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Call-Id", id)
	request.Header.Set("X-Function-Name", at.name+"."+at.namespace)
	request.Header.Set("X-Function-Status", "200")
	if answer, err := http.DefaultClient.Do(request); err == nil {
		_ = answer.Body.Close()
	}
}
