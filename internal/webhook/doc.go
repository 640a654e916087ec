// Package webhook talks to systems that have no driver of their own, by JSON
// over HTTP, signed as Standard Webhooks has it
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
// The provider runs in the worker, the receipts in the api.
package webhook
