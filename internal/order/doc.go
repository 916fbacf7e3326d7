// Package order generates UUIDv7 values that sort in the order in which rows were created. It turns a row's creation time,
// and its position among the rows of the same instant, into a value. It reads no clock and no server; the caller supplies
// the source of randomness.
//
// The upper 60 bits of a value, 48 of milliseconds and 12 of their fraction, count 4096ths of a millisecond and are called
// a code. An instant owns as many codes as its column's resolution spans: about four for a microsecond, 4,096,000 for a
// second. Up to 30 of the highest random bits extend a code to a position. The positions of an instant's rows are drawn at
// random and ascend with the rows. The bits below a position, at least 32, are always random.
//
// The layout follows RFC 9562, section 5.7, with the fraction of section 6.2, method 3.
package order
