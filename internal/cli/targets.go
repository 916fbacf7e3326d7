package cli

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"go.yaml.in/yaml/v3"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/setting"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// target is a schema of a database that the file of --targets names.
type target struct {
	name, group  string
	schema       string // of this target only, or ""
	main, direct connection
	line         int
	place        string // host:port/database
	written      bool   // the file contains its password
}

// targetsFile reads the file of --targets.
type targetsFile struct {
	settingsFile
	scope  string // the setting that names the schema: schema or prefix
	getenv func(string) string
	list   []target
}

// readTargets returns the targets of the file that the command chooses, the groups in the order in which they first occur. It
// contacts no server.
func (f *flags) readTargets(getenv func(string) string) ([]target, error) {
	r := &targetsFile{
		settingsFile: settingsFile{path: f.schemaRun.targets, flag: "--targets", code: "bad_targets", example: "Write: targets: [{name: tenant-17, database-url-env: TENANT_17_URL}]"},
		scope:        "prefix", getenv: getenv,
	}
	if f.schema != "" {
		r.scope = "schema"
	}
	if p := r.read(); p != nil {
		return nil, p
	}
	if p := r.checkPlaces(f.name()); p != nil {
		return nil, p
	}
	return chosen(r.list, f.schemaRun.groups)
}

// read reads and checks every target.
func (r *targetsFile) read() *problem.Problem {
	text, err := readBounded(r.path)
	if err != nil {
		return r.unreadable(err, "no_targets", r.example)
	}
	document, p := r.parse(text)
	if p != nil {
		return p
	}
	if document.Kind == 0 {
		return message.NoTargets(visible.Path(r.path))
	}
	p = r.each(&document, []string{"targets"}, func(_ string, list *yaml.Node) *problem.Problem {
		if list.Kind != yaml.SequenceNode {
			return r.fault(list, "targets must be a list", r.example)
		}
		for _, item := range list.Content {
			if p := r.target(item); p != nil {
				return p
			}
		}
		return nil
	})
	switch {
	case p != nil:
		return p
	case len(r.list) == 0:
		return message.NoTargets(visible.Path(r.path))
	}
	return r.checkMode()
}

// target reads one target.
func (r *targetsFile) target(node *yaml.Node) *problem.Problem {
	given := map[string]*yaml.Node{}
	known := []string{"name", "group", "database-url", "database-url-env", "direct-url", "direct-url-env", r.scope}
	p := r.each(node, known, func(word string, value *yaml.Node) *problem.Problem {
		if value.Kind != yaml.ScalarNode || value.Tag == "!!null" || value.Value == "" {
			return r.fault(value, word+" must be a text", "Write: "+word+": …")
		}
		given[word] = value
		return nil
	})
	if p != nil {
		return p
	}
	t := target{line: node.Line}
	for _, take := range []func(*target, *yaml.Node, map[string]*yaml.Node) *problem.Problem{r.takeName, r.takeGroup, r.takeSchema, r.takeConnections} {
		if p := take(&t, node, given); p != nil {
			return p
		}
	}
	r.list = append(r.list, t)
	return nil
}

func (r *targetsFile) takeName(t *target, node *yaml.Node, given map[string]*yaml.Node) *problem.Problem {
	name := given["name"]
	switch {
	case name == nil:
		return r.fault(node, "a target has no name", "Each target needs a name of its own, such as: name: tenant-17")
	case !printable(name.Value):
		return r.fault(name, "the name of the target is too long, or cannot be printed", "Choose a short name, such as tenant-17.")
	}
	for _, other := range r.list {
		if other.name == name.Value {
			return r.fault(name, fmt.Sprintf("duplicate target %s, first in line %d", visible.Quote(name.Value), other.line), "Give each target a name of its own.")
		}
	}
	t.name = name.Value
	return nil
}

func (r *targetsFile) takeGroup(t *target, _ *yaml.Node, given map[string]*yaml.Node) *problem.Problem {
	group := given["group"]
	if group == nil {
		return nil
	}
	if !printable(group.Value) || strings.Contains(group.Value, ",") {
		return r.fault(group, "the name of the group is too long, has a comma, or cannot be printed", "Choose a short name, such as eu.")
	}
	t.group = group.Value
	return nil
}

// printable reports whether a name can be printed as it is.
func printable(name string) bool {
	const most = 100
	return len(name) <= most && visible.Safe(name) && !visible.Secret(name)
}

func (r *targetsFile) takeSchema(t *target, _ *yaml.Node, given map[string]*yaml.Node) *problem.Problem {
	schema := given[r.scope]
	if schema == nil {
		return nil
	}
	found := setting.Check(setting.Request{Style: setting.Flags, NoScope: true, Texts: map[string][]string{r.scope: {schema.Value}}})
	if len(found) > 0 {
		return r.fault(schema, found[0].Message, found[0].Hint)
	}
	name, one := rekey.ExactName(schema.Value)
	if !one {
		return r.fault(schema, "the "+r.scope+" of a target cannot be a pattern", "Write one target for each schema.")
	}
	t.schema = name
	return nil
}

// takeConnections reads the connection strings, or the environment variables that contain them, and parses them.
func (r *targetsFile) takeConnections(t *target, node *yaml.Node, given map[string]*yaml.Node) *problem.Problem {
	for _, part := range []struct {
		word string
		to   *connection
	}{{"database-url", &t.main}, {"direct-url", &t.direct}} {
		text, p := r.connectionString(t, part.word, given)
		if p != nil {
			return p
		}
		source := fmt.Sprintf("%s, line %d, target %s", visible.Path(r.path), node.Line, visible.Line(t.name))
		*part.to = connection{url: text, source: source, getenv: r.getenv, oneTimeout: true}
	}
	if t.main.url == "" {
		return r.fault(node, "target "+visible.Line(t.name)+" has no connection string", "Add database-url, or database-url-env with the name of an environment variable that contains it.")
	}
	for _, c := range []connection{t.main, t.direct} {
		if c.url == "" {
			continue
		}
		config, err := c.parse()
		if err != nil {
			return problem.All(err)[0]
		}
		if t.place == "" {
			t.place = placeOf(config.ConnConfig)
		}
	}
	return nil
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// connectionString returns the string of a setting, or of the environment variable that its -env names, or "".
func (r *targetsFile) connectionString(t *target, word string, given map[string]*yaml.Node) (string, *problem.Problem) {
	text, variable := given[word], given[word+"-env"]
	switch {
	case text != nil && variable != nil:
		return "", r.fault(variable, fmt.Sprintf("%s and %s-env cannot be combined", word, word), "Keep one of them.")
	case text != nil:
		t.written = t.written || hasPassword(text.Value)
		return text.Value, nil
	case variable == nil:
		return "", nil
	case !variableName.MatchString(variable.Value):
		return "", r.fault(variable, word+"-env is not the name of an environment variable", "Write a name such as TENANT_17_URL. A connection string belongs in "+word+".")
	}
	value := r.getenv(variable.Value)
	if value == "" {
		return "", r.fault(variable, fmt.Sprintf("environment variable %s of target %s is not set", variable.Value, visible.Line(t.name)), "Set it to the connection string: export "+variable.Value+"=postgres://…")
	}
	return value, nil
}

// hasPassword reports whether a connection string contains a password, or cannot be parsed and might.
func hasPassword(text string) bool {
	if rest, ok := strings.CutPrefix(text, "ecto://"); ok {
		text = "postgres://" + rest
	}
	if isURL(text) {
		parsed, err := url.Parse(text)
		if err != nil {
			return true
		}
		if _, given := parsed.User.Password(); given {
			return true
		}
	}
	given := settings(text)
	return given["password"] != "" || given["sslpassword"] != ""
}

// checkMode refuses a file with passwords that other users may read, as libpq refuses such a password file.
func (r *targetsFile) checkMode() *problem.Problem {
	const others = 0o077
	at := slices.IndexFunc(r.list, func(t target) bool { return t.written })
	if at < 0 || runtime.GOOS == "windows" {
		return nil
	}
	if found, err := os.Stat(r.path); err != nil || found.Mode().Perm()&others == 0 {
		return nil //nolint:nilerr // the file was read
	}
	return message.TargetsReadable(visible.Path(r.path), visible.Word(r.path), visible.Line(r.list[at].name))
}

// checkPlaces refuses two targets that are the same schema of the same database, as far as the connection strings show it.
func (r *targetsFile) checkPlaces(schema string) *problem.Problem {
	type key struct{ place, schema string }
	first := map[key]target{}
	for i, t := range r.list {
		r.list[i].schema = cmp.Or(t.schema, schema)
		k := key{t.place, r.list[i].schema}
		if other, same := first[k]; same {
			return message.SameTarget(visible.Path(r.path), visible.Line(other.name), other.line, visible.Line(t.name), t.line, visible.Line(t.place), visible.Line(k.schema))
		}
		first[k] = t
	}
	return nil
}

// placeOf returns the hosts and the database of a connection: host:port/database.
func placeOf(config *pgx.ConnConfig) string {
	return strings.Join(hostsOf(config), ",") + "/" + cmp.Or(config.Database, config.User)
}

// hostsOf returns the different hosts of a connection with their ports, sorted.
func hostsOf(config *pgx.ConnConfig) []string {
	hosts := []string{address(config.Host, config.Port)}
	for _, other := range config.Fallbacks { // the other hosts, and the same ones with or without TLS
		hosts = append(hosts, address(other.Host, other.Port))
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

func address(host string, port uint16) string {
	if !strings.HasPrefix(host, "/") { // else a directory of sockets
		host = strings.ToLower(host)
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// chosen returns the targets of the groups, each group together, in the order of the file.
func chosen(list []target, groups []string) ([]target, error) {
	var known []string
	for _, t := range list {
		if !slices.Contains(known, t.group) {
			known = append(known, t.group)
		}
	}
	named := slices.DeleteFunc(slices.Clone(known), func(name string) bool { return name == "" })
	for _, group := range groups {
		if !slices.Contains(named, group) {
			return nil, message.UnknownGroup(visible.Quote(group), message.Nearest(group, named), named)
		}
	}
	list = slices.Clone(list)
	if len(groups) > 0 {
		list = slices.DeleteFunc(list, func(t target) bool { return !slices.Contains(groups, t.group) })
	}
	slices.SortStableFunc(list, func(a, b target) int {
		return cmp.Compare(slices.Index(known, a.group), slices.Index(known, b.group))
	})
	return list, nil
}
