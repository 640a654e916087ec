// Package otp is the vocabulary of the system: what a verification, a code, a
// send, an attempt and a provider are, and the rules that hold for them
// everywhere.
//
// It imports only the standard library and does no I/O. Every other package
// may import it; it imports none of them. It runs in every process.
package otp
