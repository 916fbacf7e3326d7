package cli

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rekey-pg/rekey/internal/setting"
)

// request is what the command line and the file of --config ask; legal are the versions that the command takes.
func (f *flags) request(cmd *cobra.Command, legal ...string) setting.Request {
	r := setting.Request{
		Naming: setting.Flags, Command: cmd.CommandPath(), Words: map[string][]string{}, Numbers: map[string]int64{},
		Own: map[string]setting.Words{}, Sources: map[string]string{}, Columns: map[string]string{},
	}
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		switch {
		case !flag.Changed:
		case setting.IsNumber(flag.Name):
			r.Numbers[flag.Name] = amount(flag.Value)
		case setting.IsText(flag.Name):
			if words := texts(flag.Value); len(words) > 0 {
				r.Words[flag.Name] = words
			}
		}
	})
	for table, own := range f.free.own {
		r.Own[table] = setting.Words(own)
		r.Words["own"] = []string{"true"}
	}
	if flag := cmd.Flags().Lookup("on-error"); flag != nil { // it is a contradiction also when it was not given
		r.Words["on-error"] = texts(flag.Value)
	}
	r.Words["time-source"] = nil
	for _, word := range f.values.sources {
		if table, source, one := strings.Cut(word, "="); one {
			r.Sources[table] = source
		} else {
			r.Words["time-source"] = append(r.Words["time-source"], word)
		}
	}
	for _, word := range f.values.columns {
		if table, column, ok := strings.Cut(word, "="); ok {
			r.Columns[table] = column
		}
	}
	for _, version := range legal {
		n, _ := strconv.Atoi(version)
		r.Legal = append(r.Legal, n)
	}
	if len(legal) > 0 && len(r.Words["schema"]) == 0 {
		r.Words["version"] = []string{f.version}
	}
	return r
}

// amount is the number of a flag's value, a duration in nanoseconds.
func amount(value pflag.Value) int64 {
	if bytes, ok := value.(*size); ok {
		return int64(*bytes)
	}
	if d, err := time.ParseDuration(value.String()); err == nil {
		return int64(d)
	}
	n, _ := strconv.ParseInt(value.String(), 10, 64) // the flag's own parser has read it
	return n
}

// texts are the words of a flag's value; an option that is off has none.
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
