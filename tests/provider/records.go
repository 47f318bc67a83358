package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
)

const (
	keptBytes   = 1 << 20 // of one request
	keptRecords = 512
)

// record is a request as it arrived, and what was decoded of it.
type record struct {
	N          int      `json:"n"`
	Connection int64    `json:"connection"`
	Agent      string   `json:"agent"`
	Method     string   `json:"method"`
	Target     string   `json:"target"`
	Raw        []byte   `json:"raw"`
	Head       []byte   `json:"head"`
	Body       []byte   `json:"body"`
	Bytes      int64    `json:"bytes"`
	Cut        bool     `json:"cut"`
	Namespace  string   `json:"namespace"`
	Name       string   `json:"name"`
	Named      []string `json:"named"`
	Leftover   bool     `json:"leftover"`
}

type records struct {
	sync.Mutex
	count int
	all   []record
}

func (l *records) add(r record) {
	l.Lock()
	defer l.Unlock()
	l.count++
	r.N = l.count
	if len(l.all) == keptRecords {
		l.all = l.all[1:]
	}
	l.all = append(l.all, r)
}

// closed records what a connection ends with that was no request.
func (l *records) closed(c net.Conn, state http.ConnState) {
	tape, ok := c.(*tape)
	if !ok || state != http.StateClosed {
		return
	}
	if raw, _ := tape.rest(); len(raw) > 0 {
		l.add(record{Connection: tape.id, Raw: raw, Leftover: true, Named: []string{}})
	}
}

func (l *records) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.Lock()
	defer l.Unlock()
	switch r.Method {
	case http.MethodGet:
		agent, asked := r.URL.Query().Get("agent"), r.URL.Query().Has("agent")
		found := slices.DeleteFunc(slices.Clone(l.all), func(r record) bool { return asked && r.Agent != agent })
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(append([]record{}, found...))
	case http.MethodDelete:
		l.all = nil
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// recording makes each accepted connection keep what is read from it.
type recording struct{ net.Listener }

var connections atomic.Int64

func (l recording) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &tape{Conn: c, id: connections.Add(1)}, nil
}

// tape is a connection that keeps what is read from it, up to a bound, until somebody takes it.
type tape struct {
	net.Conn
	id   int64
	lock sync.Mutex
	kept []byte
	cut  bool
	off  bool
}

func (t *tape) Read(into []byte) (int, error) {
	n, err := t.Conn.Read(into)
	t.lock.Lock()
	defer t.lock.Unlock()
	if !t.off {
		fits := min(n, keptBytes-len(t.kept))
		t.kept = append(t.kept, into[:fits]...)
		t.cut = t.cut || fits < n
	}
	return n, err
}

// rest gives all that is kept, and whether there was more.
func (t *tape) rest() ([]byte, bool) {
	t.lock.Lock()
	defer t.lock.Unlock()
	raw, cut := t.kept, t.cut
	t.kept, t.cut = nil, false
	return raw, cut
}

// one takes the first request of what is kept, as net/http delimits it: its bytes, its head, its body. What follows
// stays for the next. Of one that is not whole everything is taken, since a client sends no second one after it.
func (t *tape) one() (r record) {
	raw, cut := t.rest()
	r = record{Connection: t.id, Raw: raw, Cut: cut}
	source := bytes.NewReader(raw)
	reader := bufio.NewReader(source)
	request, err := http.ReadRequest(reader)
	if err != nil {
		return r
	}
	headEnd := len(raw) - source.Len() - reader.Buffered()
	r.Head = raw[:headEnd]
	r.Body, err = io.ReadAll(request.Body)
	if err != nil || cut {
		r.Cut = true
		return r
	}
	end := len(raw) - source.Len() - reader.Buffered()
	r.Raw = raw[:end]
	t.lock.Lock()
	defer t.lock.Unlock()
	t.kept = append(slices.Clone(raw[end:]), t.kept...)
	return r
}

// stop keeps nothing any more: the connection speaks another protocol from here on.
func (t *tape) stop() {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.off, t.kept = true, nil
}

// decoded is what the provider understood of a request.
type decoded struct {
	namespace, name string
	named           []string
}

// record takes the request from its connection; its body has to be read by now.
func (p *provider) record(r *http.Request, d decoded, size int64) {
	tape, ok := r.Context().Value(connectionKey{}).(*tape)
	if !ok {
		return
	}
	one := tape.one()
	one.Agent, one.Method, one.Target, one.Bytes = r.UserAgent(), r.Method, r.RequestURI, size
	one.Namespace, one.Name, one.Named = d.namespace, d.name, append([]string{}, d.named...)
	p.records.add(one)
}
