package ident

import (
	"strings"
	"testing"
	"time"
)

// vectors are the examples of RFC 9562, appendices A and B.
var vectors = map[string]byte{
	"C232AB00-9414-11EC-B3C8-9F6BDECED846": 1, // A.1
	"5df41881-3aed-3515-88a7-2f4a814cf09e": 3, // A.2
	"919108f7-52d1-4320-9bac-f847db4148a8": 4, // A.3
	"2ed6657d-e927-568b-95e1-2665a8aea6a2": 5, // A.4
	"1EC9414C-232A-6B00-B3C8-9F6BDECED846": 6, // A.5
	"017F22E2-79B0-7CC3-98C4-DC0C0C07398F": 7, // A.6
	"2489E9AD-2EE2-8E00-8EC9-32D5F69181C0": 8, // B.1
	"5c146b14-3c52-8afd-938a-375d0df1fbf6": 8, // B.2
}

// timeOfA6 is the time in example A.6: 2022-02-22 14:22:22, five hours behind UTC.
var timeOfA6 = time.Date(2022, 2, 22, 14, 22, 22, 0, time.FixedZone("", -5*60*60))

func TestExamplesOfRFC(t *testing.T) {
	for text, want := range vectors {
		u, err := ParseUUID(text)
		if err != nil {
			t.Fatal(err)
		}
		if u.String() != strings.ToLower(text) {
			t.Errorf("%s is written %s", text, u)
		}
		if u[6]>>4 != want || u[8]>>6 != variant {
			t.Errorf("%s: version %d, variant %b", text, u[6]>>4, u[8]>>6)
		}
		got, ok := Time(u)
		if ok != (want == 7) {
			t.Errorf("Time(%s) = %v, %v", text, got, ok)
		}
		if ok && (!got.Equal(timeOfA6) || got.Location() != time.UTC) {
			t.Errorf("Time(%s) = %v, want %v", text, got, timeOfA6)
		}
	}
}

// compose, which V7At and NewV7 use, returns example A.6 for its fields.
func TestComposeReturnsExampleOfRFC(t *testing.T) {
	const randA, randB = 0xCC3, 0x18C4DC0C0C07398F
	got := compose(tickOf(timeOfA6)|randA, randB)
	if want := "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"; got.String() != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestNilAndMaxHaveNoTime(t *testing.T) {
	var highest UUID
	for i := range highest {
		highest[i] = 0xff
	}
	otherVariant, _ := ParseUUID("017F22E2-79B0-7CC3-D8C4-DC0C0C07398F")
	for _, u := range []UUID{{}, highest, otherVariant} {
		if got, ok := Time(u); ok {
			t.Errorf("Time(%s) = %v", u, got)
		}
	}
}
