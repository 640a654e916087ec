package otp

// Channel is a way to reach a person.
type Channel string

// The channels there are.
const (
	SMS   Channel = "sms"
	Email Channel = "email"
)

// Channels lists every channel, in the order people see them.
var Channels = []Channel{SMS, Email}

// Valid tells whether c is one of Channels.
func (c Channel) Valid() bool { return c == SMS || c == Email }
