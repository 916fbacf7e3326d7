package step_test

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/step"
)

func TestRecordVersion(t *testing.T) {
	versioned := func(comment string) step.View {
		v := view()
		v.Table.Comment = &comment
		return v
	}
	const record = "app.kit share: COMMENT ON TABLE app.kit IS "
	testStep(t, step.RecordVersion{Schema: "app", Table: "kit", From: 39, To: 40}, map[string]stepCase{
		"before":          {view: versioned("39"), up: []string{record + "'40'"}},
		"recorded":        {view: versioned("40"), done: true, down: []string{record + "'39'"}},
		"white space":     {view: versioned(" 40\n"), done: true, down: []string{record + "'39'"}},
		"a later version": {view: versioned("41"), done: true},
		"no number":       {view: versioned("forty"), up: []string{record + "'40'"}},
		"no comment":      {view: view(), up: []string{record + "'40'"}},
		"no table":        {view: step.View{}, up: []string{record + "'40'"}, stays: true},
	})
}
