package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// planted is what no answer may repeat.
const planted = "zq7canary7qz"

// FuzzRequest sends bodies to every operation that takes one. Whatever comes is
// answered, by a success or a problem that says what is wrong, never by a fault
// of ours and never by a piece of the body.
func FuzzRequest(f *testing.F) {
	r := newRig(f)
	handler := r.api(r.service).Handler()
	for i, op := range operations {
		if op.body == nil {
			continue
		}
		text, err := json.Marshal(op.body)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), string(text), uint8(len(text)/2))
	}
	f.Add(uint8(0), `{"namespace":"phone-auth","namespace":"x"}`, uint8(4))
	f.Add(uint8(0), `{"namespace":"verify-email","to":"a@b.example","params":{"brand":"x"},"locale":"zh-Hant"}`, uint8(60))
	f.Add(uint8(2), "{\"code\":\"\\ud800\",\"id\":null}", uint8(0))
	f.Add(uint8(2), "[[[[[[", uint8(1))
	f.Fuzz(func(t *testing.T, which uint8, body string, at uint8) {
		op := operations[int(which)%len(operations)]
		cut := min(int(at), len(body))
		body = body[:cut] + planted + body[cut:]
		req := httptest.NewRequest(op.method, op.path, strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer "+keyAll)
		req.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, req)
		if w.Code >= http.StatusInternalServerError || w.Code < http.StatusOK {
			t.Fatalf("%d: %s", w.Code, w.Body)
		}
		if strings.HasPrefix(op.path, providers) && w.Code == http.StatusOK {
			return // the reason of a drain is for the next operator to read
		}
		if strings.Contains(w.Body.String(), planted) || strings.Contains(r.log.String(), planted) {
			t.Errorf("the body is repeated: %s", w.Body)
		}
		if w.Code >= http.StatusBadRequest {
			var p struct{ Type, Code string }
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Type != "urn:otpipe:problem:"+p.Code || p.Code == "" {
				t.Errorf("%d: %s", w.Code, w.Body)
			}
		}
	})
}
