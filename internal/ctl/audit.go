package ctl

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/otpipe/otpipe/client"
	"github.com/otpipe/otpipe/internal/app"
	"github.com/otpipe/otpipe/internal/audit"
	"github.com/otpipe/otpipe/internal/config"
	"github.com/otpipe/otpipe/internal/otp"
)

// auditVerify reads the whole trail and says whether it is what was written.
type auditVerify struct{ settings }

// Help says what is proved.
func (auditVerify) Help() string {
	return `Every record has a keyed hash with the one of the record before in it: what was changed,
left out, added or moved shows. What is missing at the end shows by what Redis knows of
the last record; without Redis that is not looked at. DOUBLES are records that were kept
twice after a crash, ERASED those of people who were forgotten; both are fine. MISSED are
events that were lost before they could be kept.

It ends with 2 if the trail is not what was written.`
}

// Run reads it.
func (a auditVerify) Run(ctx context.Context, s *screen) error {
	c, err := a.load()
	if err != nil {
		return err
	}
	done := s.waiting("reading the trail")
	v, err := verifyTrail(ctx, c)
	done()
	if err != nil {
		return ending{app.CodeOf(err), err}
	}
	if err := s.show(v); err != nil || v.Sound {
		return err
	}
	return shown(exitFound)
}

// trailVerdict is what the chains of all partitions are like.
type trailVerdict struct {
	Sound      bool           `json:"sound"`
	EndKnown   bool           `json:"end_known"` // Redis said which the last records are
	Partitions []chainVerdict `json:"partitions"`
}

type chainVerdict struct {
	Partition string   `json:"partition"`
	Records   int      `json:"records"`
	From      uint64   `json:"from"`
	To        uint64   `json:"to"`
	Doubles   int      `json:"doubles"`
	Erased    int      `json:"erased"`
	Missed    int      `json:"missed"`
	Faults    []string `json:"faults"`
}

func verifyTrail(ctx context.Context, c config.Config) (v trailVerdict, err error) {
	keys, err := c.Secrets()
	if err != nil {
		return v, err
	}
	heads, known := lastRecords(ctx, c)
	trail, err := app.OpenTrail(ctx, c)
	if err != nil {
		return v, err
	}
	defer func() { _ = trail.Close() }()
	v = trailVerdict{Sound: true, EndKnown: known, Partitions: []chainVerdict{}}
	for p := range c.Store.Partitions {
		of := otp.Partition(p)
		found, err := audit.Verify(ctx, trail, keys, of, heads[of])
		if err != nil {
			return v, err
		}
		chain := chainVerdict{of.String(), found.Records, found.From, found.To, found.Doubles, found.Erased, found.Missed, []string{}}
		for _, f := range found.Faults {
			chain.Faults = append(chain.Faults, f.String())
			v.Sound = false
		}
		v.Partitions = append(v.Partitions, chain)
	}
	return v, nil
}

// lastRecords are what Redis knows of the chains' ends, read before the trail is.
func lastRecords(ctx context.Context, c config.Config) (heads map[otp.Partition]otp.Record, known bool) {
	ctx, cancel := context.WithTimeout(ctx, redisPatience)
	defer cancel()
	store, done, err := app.OpenStore(ctx, c)
	if err != nil {
		return nil, false
	}
	defer done()
	heads = map[otp.Partition]otp.Record{}
	for p := range c.Store.Partitions {
		if heads[otp.Partition(p)], err = store.AuditHead(ctx, otp.Partition(p)); err != nil {
			return nil, false
		}
	}
	return heads, true
}

func (v trailVerdict) text(p *paper) {
	var rows [][]cell
	for _, c := range v.Partitions {
		faults := len(c.Faults)
		rows = append(rows, []cell{
			{text: c.Partition},
			{text: strconv.Itoa(c.Records)},
			{text: strconv.FormatUint(c.From, 10)},
			{text: strconv.FormatUint(c.To, 10)},
			{text: strconv.Itoa(c.Doubles)},
			{text: strconv.Itoa(c.Erased)},
			{strconv.Itoa(c.Missed), onlyIf(c.Missed > 0, odd)},
			{strconv.Itoa(faults), onlyIf(faults > 0, bad)},
		})
	}
	p.table([]string{"PARTITION", "RECORDS", "FROM", "TO", "DOUBLES", "ERASED", "MISSED", "FAULTS"}, rows)
	for _, c := range v.Partitions {
		for _, f := range c.Faults {
			p.line("%s", f)
		}
	}
	if !v.EndKnown {
		p.line("\nRedis does not answer, so whether records are missing at the end is not known")
	}
	if v.Sound {
		p.line("\n%s", p.tinted("the trail is what was written", good))
		return
	}
	p.line("\n%s", p.tinted("the trail is not what was written", bad))
}

// auditExport writes all records out.
type auditExport struct {
	settings
	From  time.Time `placeholder:"TIME" format:"2006-01-02T15:04:05Z07:00" help:"Only records from then on, such as 2026-05-01T00:00:00Z."`
	Until time.Time `placeholder:"TIME" format:"2006-01-02T15:04:05Z07:00" help:"Only records before then."`
}

// Help says what is written.
func (auditExport) Help() string {
	return `Each record is a line of JSON with its hashes and, unless it was erased, its personal
part: whoever gets the file can verify it with the anchor, and knows who was asked for.

	otpctl audit export --from 2026-05-01T00:00:00Z > may.jsonl`
}

// Run writes them, partition by partition.
func (a auditExport) Run(ctx context.Context, s *screen) error {
	c, err := a.load()
	if err != nil {
		return err
	}
	trail, err := app.OpenTrail(ctx, c)
	if err != nil {
		return ending{app.CodeOf(err), err}
	}
	defer func() { _ = trail.Close() }()
	out := json.NewEncoder(s.out)
	out.SetEscapeHTML(false)
	for p := range c.Store.Partitions {
		err := trail.Walk(ctx, otp.Partition(p), 1, a.From, func(r otp.Record) error {
			if r.At.Before(a.From) || !a.Until.IsZero() && !r.At.Before(a.Until) {
				return nil
			}
			return out.Encode(r)
		})
		if err != nil {
			return fmt.Errorf("export the trail: %w", err)
		}
	}
	return nil
}

// auditSearch asks the api for records.
type auditSearch struct {
	api
	Recipient string    `arg:"" optional:"" help:"A phone number or mail address; or a verification's id."`
	Actor     string    `placeholder:"NAME" help:"Only what this API key, or this person of the staff, did."`
	Kind      []string  `placeholder:"KIND" help:"Only this kind, such as verification.approved; may be repeated."`
	From      time.Time `placeholder:"TIME" format:"2006-01-02T15:04:05Z07:00" help:"Only from then on."`
	Until     time.Time `placeholder:"TIME" format:"2006-01-02T15:04:05Z07:00" help:"Only before then."`
	Limit     int       `default:"50" help:"As many at the most."`
}

// Help says what is needed.
func (auditSearch) Help() string {
	return `The newest come first. The key needs the scope audit, and sees its own namespaces. That
somebody searched is in the trail too.

	otpctl audit search +4915123456789
	otpctl audit search --actor ada --kind verification.revealed`
}

// Run asks the api.
func (a auditSearch) Run(ctx context.Context, s *screen) error {
	r := client.AuditRequest{To: a.Recipient, Actor: a.Actor, Kinds: a.Kind, From: a.From, Until: a.Until, Limit: a.Limit}
	if _, err := otp.ParseID(a.Recipient); err == nil {
		r.To, r.ID = "", a.Recipient
	}
	page, err := ask(s, a.api, func(c *client.Client) (client.AuditPage, error) { return c.SearchAudit(ctx, r) })
	if err != nil {
		return err
	}
	return s.show(auditFound{Items: listed(page.Items), More: page.NextCursor != ""})
}

type auditFound struct {
	Items []client.AuditRecord `json:"items"`
	More  bool                 `json:"more"`
}

func (f auditFound) text(p *paper) {
	if len(f.Items) == 0 {
		p.line("there are no such records")
		return
	}
	var rows [][]cell
	for _, r := range f.Items {
		to := r.ToMasked
		if r.Erased {
			to = "(erased)"
		}
		rows = append(rows, row(r.At.UTC().Format(time.RFC3339), r.Kind, r.Actor, to, r.Namespace, strings.TrimSpace(r.Provider+" "+r.Reason+" "+r.Note)))
	}
	p.table([]string{"AT", "KIND", "ACTOR", "RECIPIENT", "NAMESPACE", "MORE"}, rows)
	if f.More {
		p.line("\nthere are more: narrow it by --from, --until, --actor or --kind, or raise --limit")
	}
}

// forget erases a recipient.
type forget struct {
	settings
	Recipient string `arg:"" help:"A phone number or mail address."`
	Yes       bool   `required:"" help:"It cannot be taken back: say so."`
}

// Help says what stays.
func (forget) Help() string {
	return `Erased are all keys of Redis that belong to the recipient, live codes, locks, limits and
sessions included, and what is personal of the records of the audit trail: the mask, the
keyed hash of the address, addresses of clients, notes. The records stay, and so does the
chain. Vendors, logs and backups have what they have.

	otpctl forget +4915123456789 --yes`
}

// Run erases.
func (f forget) Run(ctx context.Context, s *screen) error {
	c, err := f.load()
	if err != nil {
		return err
	}
	done := s.waiting("erasing")
	e, err := app.Forget(ctx, c, f.Recipient)
	done()
	if err != nil {
		return ending{app.CodeOf(err), err}
	}
	if err := s.show(forgotten{e.Masked, e.Keys, e.Events, e.Records, e.Waiting}); err != nil || e.Waiting == 0 {
		return err
	}
	return shown(exitNotYet)
}

type forgotten struct {
	Recipient string `json:"recipient"` // masked
	Keys      int    `json:"keys"`
	Events    int    `json:"events"`
	Records   int    `json:"records"`
	Waiting   int    `json:"waiting"`
}

func (f forgotten) text(p *paper) {
	p.line("%s: erased %d keys and %d events in Redis, and what was personal of %d records", f.Recipient, f.Keys, f.Events, f.Records)
	if f.Waiting > 0 {
		p.line("%d events still have to be read by the audit trail or for notices: repeat this when the workers have done so", f.Waiting)
	}
}
