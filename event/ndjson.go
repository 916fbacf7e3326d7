package event

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/rekey-pg/rekey/internal/visible"
)

// Schema is the version of the JSON that rekey writes: events and documents. It grows by one when a
// field changes its meaning or goes; a new field does not change it.
const Schema = 1

// Line writes an event as one line of JSON, with the schema's version, the event's name and the time
// first: {"schema":1,"event":"progress","at":"…", …}.
func Line(e Event, at time.Time) ([]byte, error) {
	head, err := json.Marshal(struct {
		Schema int       `json:"schema"`
		Event  string    `json:"event"`
		At     time.Time `json:"at"`
	}{Schema, e.name(), at.UTC()})
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	var line bytes.Buffer
	line.Write(head[:len(head)-1])
	if len(body) > len("{}") {
		line.WriteByte(',')
	}
	line.Write(body[1:])
	line.WriteByte('\n')
	return visible.JSON(line.Bytes()), nil
}
