package ident

import (
	"errors"
	"strconv"
)

// Kind says what an ID is.
type Kind uint8

// The kinds of an ID.
const (
	KindNone    Kind = iota // no identifier: the zero ID
	KindInteger             // an integer, by Int64
	KindUUID                // a UUID, by UUID
)

// String is "none", "integer" or "uuid".
func (k Kind) String() string {
	switch k {
	case KindInteger:
		return "integer"
	case KindUUID:
		return "uuid"
	case KindNone:
		return "none"
	}
	return "Kind(" + strconv.Itoa(int(k)) + ")"
}

// ID is an identifier that is an integer or a UUID, and says which. Two are equal with ==, and it can
// be the key of a map. The zero ID is no identifier: NULL in SQL, null in JSON, without a text.
type ID struct {
	integer int64
	uuid    UUID
	kind    Kind
}

// FromInt64 is the identifier n.
func FromInt64(n int64) ID { return ID{integer: n, kind: KindInteger} }

// FromUUID is the identifier u, whichever package's UUID that is.
func FromUUID[T ~[16]byte](u T) ID { return ID{uuid: UUID(u), kind: KindUUID} }

// Kind says what the ID is.
func (id ID) Kind() Kind { return id.kind }

// IsZero is true for the zero ID, which is no identifier. encoding/json asks it for omitzero.
func (id ID) IsZero() bool { return id.kind == KindNone }

// Int64 is the integer, if the ID is one.
func (id ID) Int64() (int64, bool) { return id.integer, id.kind == KindInteger }

// UUID is the UUID, if the ID is one. It converts: uuid.UUID(u) of another package.
func (id ID) UUID() (UUID, bool) { return id.uuid, id.kind == KindUUID }

// String is the text that Parse reads back, UUIDs in lower case; "" for the zero ID.
func (id ID) String() string {
	var text [textLength]byte
	return string(id.appendText(text[:0]))
}

func (id ID) appendText(dst []byte) []byte {
	switch id.kind {
	case KindInteger:
		return strconv.AppendInt(dst, id.integer, 10)
	case KindUUID:
		return appendUUID(dst, id.uuid)
	case KindNone:
	}
	return dst
}

// AppendText is an encoding.TextAppender. It fails for the zero ID, as UnmarshalText does for an
// empty text: an identifier that was left out is not to travel as one.
func (id ID) AppendText(dst []byte) ([]byte, error) {
	if id.IsZero() {
		return dst, errors.New("ident: the zero ID has no text")
	}
	return id.appendText(dst), nil
}

// MarshalText is an encoding.TextMarshaler. It fails for the zero ID.
func (id ID) MarshalText() ([]byte, error) { return id.AppendText(nil) }

// UnmarshalText is an encoding.TextUnmarshaler; it reads what Parse reads. After an error the ID is
// as it was.
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}
