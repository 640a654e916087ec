// Package twilio sends codes as text messages through Twilio's Messages API and
// reads the status callbacks that come back. The provider runs in the worker,
// the receipts in the api.
package twilio
