package attack_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

func wire() []attack {
	return []attack{
		{name: "requests that are none", what: "requests that break HTTP", due: "", play: malformed},
		{name: "requests smuggled behind others", what: "requests of which two readers might see another number", due: "", play: smuggled},
		{name: "ways around the key", what: "paths and methods that might lead to a page without one", due: "", play: waysAround},
		{name: "bodies that are none", what: "bodies too long, too deep, doubled, compressed or of another kind", due: "", play: bodies},
		{name: "slow clients", what: "connections that send half a request and wait; others are answered, and these are cut", due: "", play: slow},
	}
}

// raw sends a text and reads all answers to it. A connection that is kept open
// for more is left after a while.
func (r *raid) raw(text string) (all []answer) {
	r.Helper()
	conn, err := net.Dial("tcp", r.at)
	if err != nil {
		r.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(6 * time.Second))
	go func() { _, _ = io.WriteString(conn, text) }()
	for in := bufio.NewReader(conn); ; {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return all
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		a := answer{res.StatusCode, res.Header, body}
		r.heard.add(a)
		all = append(all, a)
	}
}

// head is the beginning of a request with the key, which ends its connection.
func (r *raid) head(method, path string, more ...string) string {
	lines := append([]string{method + " " + path + " HTTP/1.1", "Host: x", "Authorization: Bearer " + r.owner.key, "Content-Type: application/json", "Connection: close"}, more...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// rejected sends what is no request. A connection that is cut answers it too.
func (r *raid) rejected(what, text string) {
	r.Helper()
	r.tries(1)
	for _, a := range r.raw(text) {
		if a.status < 400 || a.status == http.StatusInternalServerError || a.status > http.StatusHTTPVersionNotSupported {
			r.broken("%s: %v", what, a)
		}
	}
}

func malformed(r *raid) {
	body := fmt.Sprintf(`{"namespace":"open","to":%q}`, r.phone())
	post := func(lines ...string) string { return r.head("POST", "/v1/verifications", lines...) + body }
	length := fmt.Sprint("Content-Length: ", len(body))
	for what, text := range map[string]string{
		"no length":                   post(),
		"a length below zero":         post("Content-Length: -1"),
		"a length with a sign":        post("Content-Length: +" + fmt.Sprint(len(body))),
		"a length in hex":             post("Content-Length: 0x20"),
		"a list of lengths":           post(length + ", " + fmt.Sprint(len(body))),
		"two lengths":                 post(length, "Content-Length: 5"),
		"a length too large":          post("Content-Length: 99999999999999999999"),
		"an encoding nobody knows":    post("Transfer-Encoding: xchunked"),
		"two encodings":               post("Transfer-Encoding: gzip, chunked"),
		"chunked twice":               post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
		"identity":                    post("Transfer-Encoding: identity"),
		"a space before the colon":    post(length, "Transfer-Encoding : chunked"),
		"a header without a colon":    post(length, "Nothing"),
		"a header without a name":     post(length, ": x"),
		"a name with a space":         post(length, "X Y: x"),
		"a NUL in a header":           post(length, "X: a\x00b"),
		"a bare CR in a header":       post(length, "X: a\rY: b"),
		"two hosts":                   post(length, "Host: y"),
		"no host":                     strings.Replace(post(length), "Host: x\r\n", "", 1),
		"a host that is none":         strings.Replace(post(length), "Host: x\r\n", "Host: x/y@z\r\n", 1),
		"a version nobody knows":      strings.Replace(post(length), "HTTP/1.1", "HTTP/9.9", 1),
		"no version":                  strings.Replace(post(length), " HTTP/1.1", "", 1),
		"another protocol":            strings.Replace(post(length), "HTTP/1.1", "RTSP/1.0", 1),
		"HTTP/2 without a word":       "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"TLS":                         "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 200),
		"Redis":                       "*1\r\n$4\r\nPING\r\n",
		"a chunk of no size":          post("Transfer-Encoding: chunked") + "x\r\n",
		"a chunk too large":           r.head("POST", "/v1/verifications", "Transfer-Encoding: chunked") + "FFFFFFFFFFFFFFFFF\r\n" + body + "\r\n0\r\n\r\n",
		"a chunk below zero":          r.head("POST", "/v1/verifications", "Transfer-Encoding: chunked") + "-5\r\n" + body + "\r\n0\r\n\r\n",
		"a chunk with no end":         r.head("POST", "/v1/verifications", "Transfer-Encoding: chunked") + "5\r\n" + body + "\r\n0\r\n\r\n",
		"headers too long":            post(length, "X: "+strings.Repeat("x", 64<<10)),
		"too many headers":            post(append([]string{length}, slices.Repeat([]string{"X: x"}, 10_000)...)...),
		"a path too long":             r.head("GET", "/"+strings.Repeat("x", 64<<10)),
		"a path with a NUL":           r.head("GET", "/v1/\x00providers"),
		"a path that is not escaped":  r.head("GET", "/v1/%zz"),
		"a path with a line in it":    r.head("GET", "/v1/\nproviders"),
		"no path":                     r.head("GET", ""),
		"a body for a GET, half sent": r.head("GET", "/v1/verifications/x", "Content-Length: 10") + "12345",
	} {
		r.rejected(what, text)
	}
}

// smuggled hides a request in the body of another. No more answers than requests
// may come, whichever length a reader believes.
func smuggled(r *raid) {
	hidden := "GET /v1/providers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + r.owner.key + "\r\nConnection: close\r\n\r\n"
	open := "POST /v1/verifications HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer " + r.owner.key + "\r\n"
	for what, text := range map[string]string{
		"a length, and chunks":                open + "Content-Length: " + fmt.Sprint(5+len(hidden)) + "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
		"chunks, and a length":                open + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + fmt.Sprintf("%x\r\n", len(hidden)) + hidden + "\r\n0\r\n\r\n",
		"chunks under a name with a space":    open + "Content-Length: " + fmt.Sprint(5+len(hidden)) + "\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + hidden,
		"chunks under a name with a tab":      open + "Content-Length: " + fmt.Sprint(5+len(hidden)) + "\r\nTransfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n" + hidden,
		"chunks of another kind":              open + "Content-Length: " + fmt.Sprint(5+len(hidden)) + "\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden,
		"two lengths":                         open + "Content-Length: 0\r\nContent-Length: " + fmt.Sprint(len(hidden)) + "\r\n\r\n" + hidden,
		"a chunk whose end is a bare newline": open + "Transfer-Encoding: chunked\r\n\r\n0\n\n" + hidden,
		"chunks of an old version":            strings.Replace(open, "HTTP/1.1", "HTTP/1.0", 1) + "Connection: keep-alive\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n", len(hidden)) + hidden + "\r\n0\r\n\r\n",
		"a length with a fold":                open + "Content-Length:\r\n 0\r\nTransfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n", len(hidden)) + hidden + "\r\n0\r\n\r\n" + hidden,
		"a name with an underscore":           open + "Content_Length: 0\r\nTransfer_Encoding: chunked\r\nContent-Length: " + fmt.Sprint(len(hidden)) + "\r\n\r\n" + hidden,
		"an extension with a newline":         open + "Transfer-Encoding: chunked\r\n\r\n2;\nxx\r\n" + fmt.Sprintf("%x", len(hidden)) + "\r\n0\r\n\r\n" + hidden,
	} {
		r.tries(1)
		if all := r.raw(text); len(all) > 1 {
			r.broken("%s: %v", what, all)
		}
	}
	r.tries(1)
	trailer := strings.Replace(open, "Authorization: Bearer "+r.owner.key+"\r\n", "", 1) + "Connection: close\r\nTransfer-Encoding: chunked\r\nTrailer: Authorization\r\n\r\n2\r\n{}\r\n0\r\nAuthorization: Bearer " + r.owner.key + "\r\n\r\n"
	for _, a := range r.raw(trailer) {
		if a.status != http.StatusUnauthorized {
			r.broken("a key in the trailer: %v", a)
		}
	}
}

// inside are paths that lead to something which wants a key or another listener.
var inside = []string{
	"/v1/providers", "//v1/providers", "/v1//providers", "/v1/./providers", "/v1/%2e/providers", "/./v1/providers", "/v1/providers/", "/V1/providers", "/v1/Providers",
	"/v1/providers;x", "/v1/providers%20", "/v1/providers%00", "/v1/providers%2f", "/%76%31/providers", "/v1%2fproviders", "/docs/../v1/providers", "/docs/..%2fv1/providers", "/docs/..;/v1/providers",
	"/openapi.json/../v1/providers", "/widget.js/..%2f..%2fv1/providers", "/v1/receipts/../providers", "/v1/receipts/..%2fproviders", "/v1/providers?x=/docs", "/v1/providers#/docs",
	"http://evil.example/v1/providers", "http://127.0.0.1/v1/providers", "/\\v1\\providers",
	"/metrics", "/readyz", "/livez", "//metrics", "/%6detrics", "/debug/pprof/", "/debug/vars", "/login", "/overview", "/static/support.css", "/.git/config", "/config.toml", "/..%2f..%2fetc/passwd", "/v1/",
	"/v1/verifications/" + canary, "/v1/verifications/" + canary + "/cancel", "/v1/providers/" + canary + "/drain", "/v1/receipts/" + canary,
}

func waysAround(r *raid) {
	for _, path := range inside {
		for _, method := range []string{
			"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "GETS", "GET\t", canary, "+4915123456789",
		} {
			text := strings.Replace(r.head(method, path, "Content-Length: 0", "X-HTTP-Method-Override: GET", "X-Original-URL: /docs", "X-Rewrite-URL: /docs", "X-Forwarded-Prefix: /docs"),
				"Authorization: Bearer "+r.owner.key+"\r\n", "", 1)
			r.rejected(method+" "+path, text)
		}
	}
	r.rejected("OPTIONS *", r.head("OPTIONS", "*"))
	r.rejected("CONNECT", r.head("CONNECT", "evil.example:443"))
}

// bodies sends what is not a body. The last of them are good but for their size.
func bodies(r *raid) {
	to := r.phone()
	good := fmt.Sprintf(`{"namespace":"open","to":%q}`, to)
	deep := strings.Repeat("[", 8000)
	for what, text := range map[string]string{
		"nothing": "", "no JSON": "namespace=open&to=" + to, "null": "null", "an array": "[" + good + "]", "a text": `"` + to + `"`, "a number": "1",
		"two": good + good, "something behind it": good + "x", "cut off": good[:len(good)-2], "a comment": "/**/" + good, "a comma too many": strings.Replace(good, "}", ",}", 1),
		"a mark before it": "\ufeff" + good, "UTF-16": "\xff\xfe" + strings.Join(strings.Split(good, ""), "\x00"), "bytes that are no text": strings.Replace(good, "{", "{\"binding\":\"\xff\xfe\",", 1),
		"half a surrogate": strings.Replace(good, "{", `{"binding":"\ud800",`, 1), "a field twice": strings.Replace(good, "{", `{"to":"+4915123456780",`, 1),
		"a field twice, once escaped": strings.Replace(good, "{", `{"t\u006f":"+4915123456780",`, 1), "a field in upper case": strings.Replace(good, `"to"`, `"TO"`, 1),
		"a field again in upper case": strings.Replace(good, "{", `{"TO":"+4915123456780",`, 1),
		"a field that is not":         strings.Replace(good, "{", `{"__proto__":{},`, 1), "a list for a text": strings.Replace(good, `"open"`, `["open"]`, 1), "nothing for a text": strings.Replace(good, `"open"`, `null`, 1),
		"deep": deep, "deep in a field": strings.Replace(good, `"open"`, deep, 1), "deep in objects": strings.Repeat(`{"params":`, 1500), "a number of many digits": strings.Replace(good, `"open"`, strings.Repeat("9", 9000), 1),
		"many fields": "{" + strings.Repeat(`"a":1,`, 2000) + `"b":1}`, "many params": strings.Replace(good, "{", `{"params":{`+strings.Repeat(`"a":"",`, 1500)+`"b":""},`, 1),
		"too long": good + strings.Repeat(" ", 16<<10), "much too long": good + strings.Repeat(" ", 8<<20),
	} {
		r.unwanted(what, []byte(text), "Content-Type", "application/json")
	}
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	_, _ = io.WriteString(zip, good)
	_ = zip.Close()
	r.unwanted("compressed", packed.Bytes(), "Content-Encoding", "gzip")
	for _, media := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "application/cbor", "application/json/x", "*/*", "application/jsonp"} {
		r.unwanted("as "+media, []byte(good), "Content-Type", media)
	}
	r.tries(1)
	endless := r.head("POST", "/v1/verifications", "Transfer-Encoding: chunked") + strings.Repeat("1000\r\n"+strings.Repeat(" ", 0x1000)+"\r\n", 2000)
	for _, a := range r.raw(endless) {
		if a.status != http.StatusRequestEntityTooLarge {
			r.broken("chunks without end: %v", a)
		}
	}
	if got := r.handsets.of(to); len(got) > 0 {
		r.broken("a text was sent: %v", got)
	}
}

// unwanted sends a body that no operation takes, to all that take one.
func (r *raid) unwanted(what string, text []byte, headers ...string) {
	r.Helper()
	for _, path := range []string{"/v1/verifications", "/v1/verifications/check", "/v1/sessions/introspect"} {
		r.tries(1)
		if a := r.owner.send(http.MethodPost, path, text, headers...); a.status != 0 && (a.status < 400 || a.status == http.StatusInternalServerError) {
			r.broken("%s to %s: %v", what, path, a)
		}
	}
}

// slow keeps connections busy with half a request. Others are answered meanwhile,
// and none of these is kept for good.
func slow(r *raid) {
	halves := []string{
		"POST /v1/verifi", "POST /v1/verifications HTTP/1.1\r\nHost: x\r\nX: ", r.head("POST", "/v1/verifications", "Content-Length: 100") + `{"namespace":`,
		r.head("POST", "/v1/receipts/twilio", "Content-Length: 100") + "MessageStatus=", r.head("POST", "/v1/verifications", "Transfer-Encoding: chunked") + "10\r\n",
	}
	n := either(50, 400)
	conns := make([]net.Conn, n)
	for i := range conns {
		var err error
		if conns[i], err = net.Dial("tcp", r.at); err != nil {
			r.Fatal(err)
		}
		defer func() { _ = conns[i].Close() }()
		_, _ = io.WriteString(conns[i], halves[i%len(halves)])
	}
	r.tries(n)
	for range 20 {
		if a := r.owner.start("open", r.phone()); a.status != http.StatusAccepted {
			r.broken("another client: %v", a)
		}
	}
	for i, conn := range conns {
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			r.broken("%q is still waited for", halves[i%len(halves)])
			return
		}
	}
}
