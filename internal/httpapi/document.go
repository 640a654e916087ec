package httpapi

import (
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var problemsOnce sync.Once // huma keeps its error constructor in a variable

// Title is that of the OpenAPI document, by which an otpipe is known.
const Title = "otpipe"

const about = `otpipe sends one-time codes, checks them, and tells what became of them.

Every answer has an ` + "`X-Request-Id`" + `; send one of your own and it is used. ` +
	"Whatever is not a success is a problem (RFC 9457): branch on its `code`, which is stable; `/docs#` and its `type` lead to what to do. " + `Times are RFC 3339 in UTC. Recipients come back masked only.`

// document makes the API that operations are added to.
func (a *API) document(mux *http.ServeMux) huma.API {
	problemsOnce.Do(useProblems)
	cfg := huma.DefaultConfig(Title, a.Version)
	cfg.Info.Description = about
	cfg.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	cfg.CreateHooks = nil // no $schema in the answers
	cfg.DocsPath, cfg.SchemasPath = "", ""
	cfg.OpenAPIPath = "/openapi"
	format := huma.DefaultJSONFormat
	format.Unmarshal = strict
	cfg.Formats = map[string]huma.Format{"application/json": format, "json": format}
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		securityScheme: {Type: "http", Scheme: "bearer", BearerFormat: "otk_…", Description: "An API key with the scope that the operation names."},
	}
	api := humago.New(mux, cfg)
	api.OpenAPI().Components.Examples = problemExamples()
	api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "")
	api.UseMiddleware(a.authenticate(api))
	return api
}

// strict refuses what encoding/json lets pass: a doubled field, of which two
// readers might believe different ones, and bytes that are not UTF-8. Unknown
// fields are refused by the schema.
//
// The decoder's own words quote what was sent, so they are replaced.
func strict(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jsontext.ErrDuplicateName):
		return errors.New("a field stands there twice")
	default:
		return errors.New("this is not JSON, or not of the kind that is wanted here")
	}
}

// described completes an operation: what else it may answer than a success, and
// examples. A test sends every one of them.
func described(op huma.Operation, examples []example, codes ...string) huma.Operation {
	codes = append(codes, "unauthenticated", "insufficient_scope", "internal_error", "store_unavailable")
	if len(examples) > 0 && examples[0].request != nil {
		codes = append(codes, "invalid_request", "body_too_large", "unsupported_media_type")
		op.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Examples: requests(examples)}}}
	}
	op.Responses = problemResponses(codes)
	if op.DefaultStatus == 0 {
		op.DefaultStatus = http.StatusOK
	}
	op.Responses[strconv.Itoa(op.DefaultStatus)] = &huma.Response{Content: map[string]*huma.MediaType{"application/json": {Examples: answers(examples)}}}
	return op
}

// problemResponses lists the codes under their statuses.
func problemResponses(codes []string) map[string]*huma.Response {
	byStatus := map[string][]string{}
	for _, c := range codes {
		s := strconv.Itoa(kindOf(c).status)
		byStatus[s] = append(byStatus[s], c)
	}
	all := map[string]*huma.Response{}
	for status, codes := range byStatus {
		slices.Sort(codes)
		media := &huma.MediaType{Schema: &huma.Schema{Ref: "#/components/schemas/Problem"}, Examples: map[string]*huma.Example{}}
		for _, c := range codes {
			media.Examples[c] = &huma.Example{Ref: "#/components/examples/" + c}
		}
		all[status] = &huma.Response{Description: strings.Join(codes, ", "), Content: map[string]*huma.MediaType{problemType: media}}
		if kindOf(codes[0]).like.RetryAfter > 0 {
			all[status].Headers = map[string]*huma.Param{"Retry-After": {Schema: &huma.Schema{Type: huma.TypeInteger}, Description: "Seconds."}}
		}
	}
	return all
}

// describeReceipts adds the operation that providers call, which is not huma's.
func describeReceipts(doc *huma.OpenAPI) {
	responses := problemResponses([]string{"signature_invalid", "route_not_found", "body_too_large", "invalid_request", "internal_error", "store_unavailable"})
	responses["204"] = &huma.Response{Description: "Taken, whether it changed anything or not."}
	doc.AddOperation(&huma.Operation{
		OperationID: "receive", Method: http.MethodPost, Path: "/v1/receipts/{provider}", Tags: []string{"receipts"},
		Summary:     "Report on a message (for providers)",
		Description: "The provider's own form, signed as the provider signs. Twilio's is a form whose query names the attempt: id, send and attempt. One of the driver webhook is JSON: see docs/webhook.md.",
		Parameters: []*huma.Param{
			{Name: "provider", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}, Description: "Its name in the configuration."},
		},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/x-www-form-urlencoded": {Schema: &huma.Schema{Type: huma.TypeObject}},
			"application/json":                  {Schema: &huma.Schema{Type: huma.TypeObject}},
		}},
		Responses: responses,
	})
}
