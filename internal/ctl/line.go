package ctl

import (
	"strings"

	"github.com/alecthomas/kong"

	"github.com/otpipe/otpipe/internal/app"
	"github.com/otpipe/otpipe/internal/otp"
)

// commandLine is all that can be typed.
type commandLine struct {
	JSON    bool             `name:"json" help:"Print JSON: its names and their meanings stay."`
	NoColor bool             `help:"No colours, on a terminal too (as NO_COLOR does)."`
	Version kong.VersionFlag `help:"Print the version and exit."`

	Config struct {
		Check configCheck `cmd:"" help:"Say what the configuration means, and whether all that it needs is there."`
	} `cmd:"" group:"config" help:"The configuration."`
	Keys struct {
		New    keysNew    `cmd:"" help:"Make a first ring key and the anchor."`
		Rotate keysRotate `cmd:"" help:"Say which step of a rotation is next, and make the new key for it."`
	} `cmd:"" group:"config" help:"The keys that everything is sealed with."`
	APIKey struct {
		New apikeyNew `cmd:"" help:"Make an API key: print it once, and the [[callers]] block with its hash."`
	} `cmd:"" name:"apikey" group:"config" help:"The keys of those who call the api."`
	User struct {
		New userNew `cmd:"" help:"Make the [[support.users]] block of a person, with a hash of their password."`
	} `cmd:"" group:"config" help:"Those who sign in to the support pages."`
	Template struct {
		Lint    templateLint    `cmd:"" help:"Say what is wrong with the templates, and what texts cost in each locale."`
		Preview templatePreview `cmd:"" help:"Show a message as a worker would write it, with a code that was never drawn."`
	} `cmd:"" group:"config" help:"The templates of messages."`
	Queue queueShow `cmd:"" group:"config" help:"What waits: by queue how much, how long, and what was given up."`
	Audit struct {
		Verify auditVerify `cmd:"" group:"config" help:"Read the whole audit trail, and say whether it is what was written."`
		Export auditExport `cmd:"" group:"config" help:"Write all records out, a line of JSON each."`
		Search auditSearch `cmd:"" group:"api" help:"Say who did what: to a recipient, or by an actor."`
	} `cmd:"" help:"The audit trail."`
	Range struct {
		List    rangeList    `cmd:"" help:"Show the ranges of numbers that the guard against toll fraud has blocked."`
		Unblock rangeUnblock `cmd:"" help:"Let texts go to a range again."`
	} `cmd:"" group:"config" help:"Ranges of numbers that somebody pumps."`
	Forget   forget     `cmd:"" group:"config" help:"Erase what is kept of a recipient, in Redis and in the audit trail."`
	Doctor   doctorLook `cmd:"" group:"config" help:"Look at all that the processes depend on, and say what to do. Nothing is changed or sent."`
	Show     show       `cmd:"" group:"api" help:"Say what became of a code: of one verification, or of a recipient's."`
	Unlock   unlock     `cmd:"" group:"api" help:"Let a recipient try again who guessed wrong too often."`
	Send     send       `cmd:"" group:"api" help:"Ask for a code and follow it until it is there: a smoke test."`
	Provider struct {
		List   providerList   `cmd:"" help:"Show how the providers stand with all workers."`
		Drain  providerDrain  `cmd:"" help:"Use a provider no more, until it is resumed."`
		Resume providerResume `cmd:"" help:"Use a provider again."`
	} `cmd:"" group:"api" help:"The vendors' accounts."`
	Completion completion `cmd:"" group:"alone" help:"Print the script that lets a shell complete otpctl's commands."`
	Complete   complete   `cmd:"" name:"__complete" hidden:"" passthrough:"all" help:"What may come next, for the script."`
}

// words are what tags of commands say by name.
func words() kong.Vars {
	var scopes []string
	for _, s := range otp.Scopes {
		scopes = append(scopes, string(s))
	}
	return kong.Vars{"version": "otpctl " + app.Version(), "scopes": strings.Join(scopes, ","), "roles": strings.Join(roleNames(), ",")}
}
