// Package storebench measures the ways to keep a code's digest beside each other:
// it has tests alone. See docs/stores.md.
package storebench
