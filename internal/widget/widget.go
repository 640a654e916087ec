// Package widget is the form in which people type their code: one file for
// browsers, which products embed. It is served by the api.
package widget

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

//go:embed widget.js
var script []byte

// fresh is how long browsers use the file without asking whether it has changed.
const fresh = "public, max-age=3600, stale-while-revalidate=86400"

// Handler serves the file to the pages of any site, whole or compressed.
func Handler() http.Handler {
	packed := compress(script)
	sum := sha256.Sum256(script)
	tag := base64.RawURLEncoding.EncodeToString(sum[:12])
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/javascript; charset=utf-8")
		h.Set("Cache-Control", fresh)
		h.Set("Vary", "Accept-Encoding")
		h.Set("Access-Control-Allow-Origin", "*") // browsers want it where a page names the file's hash
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		text, etag := script, `"`+tag+`"`
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			text, etag = packed, `"`+tag+`-gz"`
		}
		h.Set("ETag", etag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
	})
}

func compress(text []byte) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is one
	}
	if _, err = w.Write(text); err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err) // memory takes everything
	}
	return b.Bytes()
}
