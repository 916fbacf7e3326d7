package ident

import (
	"encoding/json"
	"strconv"
)

// exactJSON is the greatest integer that every reader of JSON reads exactly: some compute with float64 (RFC 8259,
// section 6).
const exactJSON = 1<<53 - 1

// MarshalJSON implements json.Marshaler: an integer is a number, a UUID a string, the zero ID null.
//
// An integer beyond ±(2^53-1) is a string of its digits: JavaScript would round the number, and a rounded identifier
// is another row's. UnmarshalJSON reads both forms.
func (id ID) MarshalJSON() ([]byte, error) {
	if id.IsZero() {
		return []byte("null"), nil
	}
	if id.kind == KindInteger && -exactJSON <= id.integer && id.integer <= exactJSON {
		return strconv.AppendInt(nil, id.integer, 10), nil
	}
	dst := make([]byte, 0, textLength+2)
	dst = append(dst, '"')
	dst = id.appendText(dst)
	return append(dst, '"'), nil
}

// UnmarshalJSON implements json.Unmarshaler. It reads a number without fraction and exponent, a string that Parse
// reads, or null, which becomes the zero ID. After an error the ID is unchanged.
func (id *ID) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*id = ID{}
		return nil
	}
	if len(data) == 0 || data[0] != '"' {
		n, err := parseInteger(string(data))
		if err != nil {
			return err
		}
		*id = FromInt64(n)
		return nil
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	return id.UnmarshalText([]byte(text))
}
