package main

import "strconv"

// recipientPrefix begins a German mobile number; eight digits follow.
const recipientPrefix = "+49151"

// recipient is the address of the ith person.
func recipient(i int) string {
	return recipientPrefix + strconv.Itoa(20_000_000+i)
}
