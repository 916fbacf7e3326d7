package cli

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rekey-pg/rekey/internal/setting"
)

// request returns the settings of the command line and of the file of --config. legal lists the versions that the
// command accepts.
func (f *flags) request(cmd *cobra.Command, legal ...string) setting.Request {
	r := setting.Request{
		Style: setting.Flags, Command: cmd.CommandPath(), Texts: map[string][]string{}, Numbers: map[string]int64{},
		Overrides: map[string]setting.Names{}, Sources: map[string]string{}, Columns: map[string]string{},
	}
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		switch {
		case !flag.Changed:
		case setting.IsNumber(flag.Name):
			r.Numbers[flag.Name] = amount(flag.Value)
		case setting.IsText(flag.Name):
			if words := texts(flag.Value); len(words) > 0 {
				r.Texts[flag.Name] = words
			}
		}
	})
	r.Formats, r.Nodes = f.formats, f.connection.nodeAddresses()
	for _, one := range f.phase.references {
		r.References = append(r.References, setting.Reference(one))
	}
	for table, own := range f.schemaRun.overrides {
		r.Overrides[table] = setting.Names{Column: own.Column, IndexName: own.IndexName}
		r.Texts["overrides"] = []string{"true"}
	}
	if flag := cmd.Flags().Lookup("on-error"); flag != nil { // the default can contradict other settings
		r.Texts["on-error"] = texts(flag.Value)
	}
	r.Texts["time-source"] = nil
	for _, word := range f.values.sources {
		if table, source, one := strings.Cut(word, "="); one {
			r.Sources[table] = source
		} else {
			r.Texts["time-source"] = append(r.Texts["time-source"], word)
		}
	}
	for _, word := range f.values.columns {
		if table, column, ok := strings.Cut(word, "="); ok {
			r.Columns[table] = column
		}
	}
	for _, version := range legal {
		n, _ := strconv.Atoi(version)
		r.Versions = append(r.Versions, n)
	}
	if len(legal) > 0 && len(r.Texts["schema"]) == 0 {
		r.Texts["version"] = []string{f.version}
	}
	return r
}

// amount returns the number of a flag's value, a duration in nanoseconds.
func amount(value pflag.Value) int64 {
	if bytes, ok := value.(*size); ok {
		return int64(*bytes)
	}
	if times, ok := value.(*ratio); ok {
		return setting.Ratio(float64(*times))
	}
	if d, err := time.ParseDuration(value.String()); err == nil {
		return int64(d)
	}
	n, _ := strconv.ParseInt(value.String(), 10, 64) // the flag has parsed it
	return n
}

// texts returns the texts of a flag's value, none for an option that is off.
func texts(value pflag.Value) []string {
	switch list := value.(type) {
	case pflag.SliceValue:
		return list.GetSlice()
	case *patterns:
		return *list.list
	}
	if value.Type() == "bool" && value.String() == "false" {
		return nil
	}
	return []string{value.String()}
}
