package telemetry

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/trace"

	"github.com/otpipe/otpipe/internal/otp"
	"github.com/otpipe/otpipe/internal/verify"
)

// LogHandler adds to each line what it belongs to: request_id and trace_id.
func LogHandler(next slog.Handler) slog.Handler { return logHandler{next} }

type logHandler struct{ slog.Handler }

func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	if id := otp.RequestID(ctx); id != "" {
		r.AddAttrs(slog.String("request_id", id))
	}
	if sc := trace.SpanContextFromContext(ctx); sc.HasTraceID() {
		r.AddAttrs(slog.String("trace_id", sc.TraceID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.Handler.WithAttrs(attrs)}
}

func (h logHandler) WithGroup(name string) slog.Handler { return logHandler{h.Handler.WithGroup(name)} }

// wordsOnly drops what OpenTelemetry's own log lines quote: a variable that it
// cannot read, such as the headers for its collector, may hold a password.
type wordsOnly struct{ slog.Handler }

func (h wordsOnly) Handle(ctx context.Context, r slog.Record) error {
	said := slog.NewRecord(r.Time, r.Level, "tracing", r.PC)
	said.AddAttrs(slog.String("text", r.Message))
	return h.Handler.Handle(ctx, said)
}

func (h wordsOnly) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h wordsOnly) WithGroup(string) slog.Handler      { return h }

// LogVerifications writes a line for every start, check and cancellation.
func LogVerifications(v verify.Verifications, log *slog.Logger) verify.Verifications {
	return &loggedVerifications{v, log}
}

type loggedVerifications struct {
	verify.Verifications
	log *slog.Logger
}

func (l *loggedVerifications) Start(ctx context.Context, o otp.Opening) (otp.Opened, error) {
	opened, err := l.Verifications.Start(ctx, o)
	if l.log.Enabled(ctx, slog.LevelInfo) {
		attrs := []slog.Attr{
			slog.String("outcome", startOutcome(opened, err)),
			slog.String("id", string(opened.Order.ID)), slog.Int("send", opened.Order.Send), slog.String("namespace", string(o.Owner.Namespace)),
			slog.String("channel", string(o.Channel)), slog.String("to", o.Masked), slog.String("fp", fingerprint(o.Owner)),
		}
		if limit := limitOf(err); limit != "" {
			attrs = append(attrs, slog.String("limit", limit))
		}
		l.log.LogAttrs(ctx, level(err), "start", attrs...)
	}
	return opened, err
}

func (l *loggedVerifications) Check(ctx context.Context, g otp.Guess) (otp.Verdict, error) {
	verdict, err := l.Verifications.Check(ctx, g)
	if l.log.Enabled(ctx, slog.LevelInfo) {
		l.log.LogAttrs(ctx, level(err), "check", slog.String("outcome", checkOutcome(verdict, err)),
			slog.String("id", string(verdict.ID)), slog.String("namespace", string(g.Owner.Namespace)),
			slog.Int("checks_left", verdict.ChecksLeft), slog.Bool("locked", locked(verdict)), slog.String("fp", fingerprint(g.Owner)))
	}
	return verdict, err
}

func (l *loggedVerifications) Cancel(ctx context.Context, id otp.ID) error {
	err := l.Verifications.Cancel(ctx, id)
	l.log.LogAttrs(ctx, level(err), "cancel", slog.String("outcome", outcomeOf(err, "canceled")), slog.String("id", string(id)))
	return err
}

// LogSessions writes a line for every look at a session.
func LogSessions(s verify.Sessions, log *slog.Logger) verify.Sessions {
	return &loggedSessions{s, log}
}

type loggedSessions struct {
	verify.Sessions
	log *slog.Logger
}

func (l *loggedSessions) Session(ctx context.Context, t otp.Token, o otp.Owner, consume bool) (otp.Session, error) {
	s, err := l.Sessions.Session(ctx, t, o, consume)
	if l.log.Enabled(ctx, slog.LevelInfo) {
		l.log.LogAttrs(ctx, level(err), "session", slog.String("outcome", outcomeOf(err, "active")), slog.Bool("consume", consume),
			slog.String("id", string(s.ID)), slog.String("namespace", string(o.Namespace)), slog.String("fp", fingerprint(o)))
	}
	return s, err
}

// LogLocks writes a line for every unlocking.
func LogLocks(k verify.Locks, log *slog.Logger) verify.Locks { return &loggedLocks{k, log} }

type loggedLocks struct {
	verify.Locks
	log *slog.Logger
}

func (l *loggedLocks) Unlock(ctx context.Context, o otp.Owner, actor, reason string) (bool, error) {
	cleared, err := l.Locks.Unlock(ctx, o, actor, reason)
	outcome := "nothing_to_clear"
	if cleared {
		outcome = "cleared"
	}
	l.log.LogAttrs(ctx, level(err), "unlock", slog.String("outcome", outcomeOf(err, outcome)), slog.String("actor", actor),
		slog.String("namespace", string(o.Namespace)), slog.String("fp", fingerprint(o)))
	return cleared, err
}

// fingerprint names the recipient; a check by id knows none.
func fingerprint(o otp.Owner) string {
	if len(o.Identity) == 0 {
		return ""
	}
	return string(o.Identity[0])
}

// level is error where the fault is ours: a limit or an unknown id is not.
func level(err error) slog.Level {
	if err != nil && outcomeOf(err, "") == "error" {
		return slog.LevelError
	}
	return slog.LevelInfo
}
