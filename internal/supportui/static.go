package supportui

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
)

//go:embed static
var staticFiles embed.FS

// static is what the pages are made of besides themselves, by name.
var static = readStatic()

type staticFile struct {
	text []byte
	mark string // changes with the text
}

func readStatic() map[string]staticFile {
	all := map[string]staticFile{}
	entries, err := fs.ReadDir(staticFiles, "static")
	if err != nil {
		panic(err) // embedded: it is there or the build is broken
	}
	for _, e := range entries {
		text, err := staticFiles.ReadFile("static/" + e.Name())
		if err != nil {
			panic(err)
		}
		all[e.Name()] = newStatic(text)
	}
	// htmx begins as soon as it is there. What it is to know has to come with it: on a
	// slow line a file of its own would come too late, and the page would not be live.
	all["live.js"] = newStatic(slices.Concat(all["htmx.min.js"].text, []byte(";\n"), all["hx-sse.min.js"].text))
	return all
}

func newStatic(text []byte) staticFile {
	sum := sha256.Sum256(text)
	return staticFile{text, hex.EncodeToString(sum[:8])}
}

// asset is a file's address. It changes with the file, so that browsers may keep
// what they have for ever.
func asset(name string) string { return "/static/" + name + "?" + static[name].mark }

func serveStatic(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	if name == "" {
		name = "favicon.svg"
	}
	f, ok := static[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	h.Set("ETag", `"`+f.mark+`"`)
	h.Set("Cache-Control", "no-cache")
	if r.URL.RawQuery == f.mark {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if r.Header.Get("If-None-Match") == `"`+f.mark+`"` {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(f.text)
}
