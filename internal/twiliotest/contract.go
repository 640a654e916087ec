// Package twiliotest holds requests to Twilio, and the answers of whoever
// stands in for it, to Twilio's own OpenAPI file. It is imported by tests alone.
package twiliotest

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"sync"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// The file says itself where it comes from.
//
//go:embed messages.json
var file []byte

const (
	createPath = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
	fetchPath  = "/2010-04-01/Accounts/{AccountSid}/Messages/{Sid}.json"
	tellPath   = "/2010-04-01/Accounts/{AccountSid}/Messages/{MessageSid}/Feedback.json"
	whoPath    = "/2010-04-01/Accounts/{Sid}.json"
)

// ErrNoOperation says that a request is for nothing in the file.
var ErrNoOperation = errors.New("not one of Twilio's operations on messages and accounts")

var document = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData(file)
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(context.Background())
})

// formats are Twilio's names for the forms of strings; what is not here, the
// validator takes as it comes.
var formats = []openapi3.SchemaValidationOption{
	openapi3.EnableFormatValidation(),
	openapi3.WithStringFormatValidator("date-time-rfc-2822", openapi3.NewCallbackValidator(rfc2822)),
	openapi3.WithStringFormatValidator("currency", openapi3.NewRegexpFormatValidator(`^[A-Z]{3}$`)),
	openapi3.WithStringFormatValidator("uri", openapi3.NewCallbackValidator(absolute)),
}

func rfc2822(s string) error {
	_, err := time.Parse(time.RFC1123Z, s)
	return err
}

func absolute(s string) error {
	u, err := url.Parse(s)
	if err == nil && (u.Scheme == "" || u.Host == "") {
		err = errors.New("not an absolute URL")
	}
	return err
}

// operation is what a request asks for.
func operation(r *http.Request) (*routers.Route, map[string]string, error) {
	doc, err := document()
	if err != nil {
		return nil, nil, fmt.Errorf("read Twilio's file: %w", err)
	}
	for path, form := range paths {
		item := doc.Paths.Value(path)
		values := form.FindStringSubmatch(r.URL.Path)
		if op := item.GetOperation(r.Method); op != nil && values != nil {
			params := map[string]string{}
			for i, name := range form.SubexpNames() {
				params[name] = values[i]
			}
			return &routers.Route{Spec: doc, Path: path, PathItem: item, Method: r.Method, Operation: op}, params, nil
		}
	}
	return nil, nil, ErrNoOperation
}

var paths = map[string]*regexp.Regexp{
	createPath: regexp.MustCompile(`^/2010-04-01/Accounts/(?P<AccountSid>[^/]+)/Messages\.json$`),
	fetchPath:  regexp.MustCompile(`^/2010-04-01/Accounts/(?P<AccountSid>[^/]+)/Messages/(?P<Sid>[^/]+)\.json$`),
	tellPath:   regexp.MustCompile(`^/2010-04-01/Accounts/(?P<AccountSid>[^/]+)/Messages/(?P<MessageSid>[^/]+)/Feedback\.json$`),
	whoPath:    regexp.MustCompile(`^/2010-04-01/Accounts/(?P<Sid>[^/]+)\.json$`),
}

// CheckRequest says what Twilio's file has against a request. The body stays
// readable.
func CheckRequest(r *http.Request) error {
	route, params, err := operation(r)
	if err != nil {
		return err
	}
	body, err := reread(&r.Body)
	if err != nil {
		return err
	}
	in := &openapi3filter.RequestValidationInput{
		Request: r.Clone(r.Context()), PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: basic, SchemaValidationOptions: formats, MultiError: true},
	}
	in.Request.Body = io.NopCloser(bytes.NewReader(body))
	return errors.Join(openapi3filter.ValidateRequest(r.Context(), in), unknown(route.Operation, string(body)))
}

// Parameters are those of CreateMessage, each with the values it may have, or
// with none if there is no list of them.
func Parameters() (map[string][]any, error) {
	doc, err := document()
	if err != nil {
		return nil, err
	}
	all := map[string][]any{}
	form := doc.Paths.Value(createPath).Post.RequestBody.Value.Content.Get("application/x-www-form-urlencoded")
	for name, schema := range form.Schema.Value.Properties {
		if all[name] = schema.Value.Enum; schema.Value.Type.Is("boolean") {
			all[name] = []any{true, false}
		}
	}
	return all, nil
}

// unknown finds the parameters that the file does not have: a form may hold
// more than its schema says, and Twilio drops what it does not know.
func unknown(op *openapi3.Operation, body string) error {
	form, err := url.ParseQuery(body)
	if err != nil || op.RequestBody == nil {
		return err
	}
	known := op.RequestBody.Value.Content.Get("application/x-www-form-urlencoded").Schema.Value.Properties
	var all []error
	for name, values := range form {
		if _, ok := known[name]; !ok || len(values) > 1 && !known[name].Value.Type.Is("array") {
			all = append(all, fmt.Errorf("%s is no parameter, or given twice", name))
		}
	}
	return errors.Join(all...)
}

// basic wants credentials as HTTP Basic, whatever they are.
func basic(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	user, password, ok := in.RequestValidationInput.Request.BasicAuth()
	if !ok || user == "" || password == "" {
		return errors.New("no credentials")
	}
	return nil
}

// CheckAnswer says what Twilio's file has against an answer. The body stays
// readable. What is refused before there is an operation must be an error.
func CheckAnswer(r *http.Request, res *http.Response) error {
	route, params, err := operation(r)
	if errors.Is(err, ErrNoOperation) && res.StatusCode >= http.StatusBadRequest {
		create := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: "/2010-04-01/Accounts/AC/Messages.json"}}
		route, params, err = operation(create)
	}
	if err != nil {
		return err
	}
	body, err := reread(&res.Body)
	if err != nil {
		return err
	}
	in := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route},
		Status:                 res.StatusCode, Header: res.Header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, SchemaValidationOptions: formats, MultiError: true},
	}
	return openapi3filter.ValidateResponse(r.Context(), in.SetBodyBytes(body))
}

// reread reads a body and puts it back.
func reread(body *io.ReadCloser) ([]byte, error) {
	if *body == nil {
		return nil, nil
	}
	all, err := io.ReadAll(*body)
	*body = io.NopCloser(bytes.NewReader(all))
	return all, err
}
