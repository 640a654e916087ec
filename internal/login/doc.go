// Package login knows the people of the support pages: those that the
// configuration lists with a password's hash, and those that an identity
// provider vouches for by OpenID Connect. It runs in the api.
package login
