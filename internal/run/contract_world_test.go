package run_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/run"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/step"
)

// TestContractStopsAtWhatThePlanDidNotShow lets the application alter each table between the plan and its drop. Nothing that it made ends with
// a column, and no integer ends that was compared with nothing.
func TestContractStopsAtWhatThePlanDidNotShow(t *testing.T) {
	t.Parallel()
	alterations := map[string]struct{ sql, column, why string }{
		"quiet":      {"", "user_id", ""},
		"indexed":    {"CREATE UNIQUE INDEX late ON app.indexed (user_id, n)", "user_id", "index late on column user_id"},
		"included":   {"CREATE UNIQUE INDEX late_n ON app.included (n) INCLUDE (id)", "id", "index late_n on column id"},
		"checked":    {"ALTER TABLE app.checked ADD CONSTRAINT late_check CHECK (user_id > 0)", "user_id", "constraint late_check"},
		"counted":    {"CREATE STATISTICS app.late_stats ON user_id, n FROM app.counted", "user_id", "statistics late_stats"},
		"numbered":   {"CREATE SEQUENCE app.late_seq OWNED BY app.numbered.user_id", "user_id", "sequence late_seq"},
		"referring":  {"ALTER TABLE app.referring ADD CONSTRAINT late_key FOREIGN KEY (user_id) REFERENCES app.others (id)", "user_id", "foreign key late_key"},
		"silent":     {"ALTER TABLE app.silent DISABLE TRIGGER USER; UPDATE app.silent SET user_id = 2 WHERE user_id = 1; ALTER TABLE app.silent ENABLE TRIGGER USER", "user_id", "altered after the rows were compared"},
		"replaced":   {"ALTER FUNCTION app.rekey_replaced_user_id() COST 7", "user_id", "altered after the rows were compared"},
		"partitions": {"ALTER TABLE app.partitions ATTACH PARTITION aside.loose FOR VALUES FROM (100) TO (200)", "user_id", "table aside.loose, whose rows were not compared"},
	}
	sql := `CREATE SCHEMA app; CREATE TABLE app.users (id bigserial PRIMARY KEY); INSERT INTO app.users SELECT FROM generate_series(1, 3);
		CREATE TABLE app.others (id bigserial PRIMARY KEY); INSERT INTO app.others SELECT FROM generate_series(1, 3);
		CREATE TABLE app.partitions (n int, user_id bigint REFERENCES app.users) PARTITION BY RANGE (n); CREATE TABLE app.part PARTITION OF app.partitions FOR VALUES FROM (0) TO (100);`
	for table := range alterations {
		if table != "partitions" {
			sql += fmt.Sprintf("CREATE TABLE app.%[1]s (id bigserial PRIMARY KEY, n int, user_id bigint REFERENCES app.users); INSERT INTO app.%[1]s (n, user_id) VALUES (1, 1), (2, 2);", table)
		}
	}
	majors := servertest.Versions(t)
	s := contractRun(t, servertest.Cluster(t, majors[len(majors)-1]), sql)
	s.exec("CREATE SCHEMA aside; CREATE TABLE aside.loose (LIKE app.partitions INCLUDING DEFAULTS); INSERT INTO aside.loose (n, user_id, uuid) SELECT 101, 3, gen_random_uuid()")
	s.job.Request.Goal = plan.Contracted
	s.job.BeforeAction = func(id step.ID, a step.Action) error {
		for table, alter := range alterations {
			if strings.HasPrefix(string(id), "app."+table) && alter.sql != "" && strings.Contains(strings.Join(a.SQL(), ";"), fmt.Sprintf("DROP COLUMN %q", alter.column)) {
				s.exec(alter.sql)
				alter.sql = ""
				alterations[table] = alter
			}
		}
		return nil
	}
	_, err := run.Execute(t.Context(), s.job)
	if err == nil {
		t.Fatal("the run says that it is done")
	}
	for table, alter := range alterations {
		if dropped := !s.has(table, alter.column); dropped != (table == "quiet") || !strings.Contains(err.Error(), alter.why) {
			t.Errorf("%s: column dropped %t, want a word about %q", table, dropped, alter.why)
		}
	}
	if !s.has("users", "id") {
		t.Error("the integers ended that a table still refers to")
	}
	if t.Failed() {
		t.Log(err)
	}
}
