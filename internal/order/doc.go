// Package order decides where a UUIDv7 stands among others: it turns the time at which a row was created,
// and the row's place among the rows of the same instant, into a value. It touches no clock and no server;
// randomness comes from a source that the caller brings.
//
// The upper 60 bits of a value's time, 48 of milliseconds and 12 of their fraction, count 4096ths of a
// millisecond: codes. An instant owns the codes of its column's resolution, some four for a microsecond
// and 4,096,000 for a second, and as many of the highest random bits as make positions enough. A row's
// position among them is drawn at random so that positions ascend as the rows do. What lies below, never
// fewer than 32 bits, is random alone.
//
// The layout is that of RFC 9562, section 5.7, with the fraction of section 6.2, method 3.
package order
