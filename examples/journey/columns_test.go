package journey_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/rekey-pg/rekey/examples/journey/gormint"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// A statement with SELECT * that GORM has prepared fails on its connection after a column is added: once if pgx prepared it by itself,
// and always with PrepareStmt. With QueryFields, as in gormint.Open, it never does.
func TestSelectAllFailsWhenAColumnComes(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		for name, one := range map[string]struct {
			config gorm.Config
			failed int // of five calls
		}{
			"default":                     {gorm.Config{}, 1},
			"PrepareStmt":                 {gorm.Config{PrepareStmt: true}, 5},
			"QueryFields":                 {gorm.Config{QueryFields: true}, 0},
			"QueryFields and PrepareStmt": {gorm.Config{QueryFields: true, PrepareStmt: true}, 0},
		} {
			t.Run(name, func(t *testing.T) {
				db, err := gorm.Open(postgres.Open(servertest.Database(t, c).URL), &one.config)
				if err != nil {
					t.Fatal(err)
				}
				db.Logger = logger.Default.LogMode(logger.Silent)
				pool, err := db.DB()
				if err != nil {
					t.Fatal(err)
				}
				defer pool.Close()
				pool.SetMaxOpenConns(1)
				find := func() error { return db.Find(new([]gormint.Tag)).Error }
				if err := errors.Join(db.AutoMigrate(&gormint.Tag{}), find(), find(), db.Exec("ALTER TABLE tags ADD uuid uuid").Error); err != nil {
					t.Fatal(err)
				}
				failed := 0
				for range 5 {
					if refusal, ok := errors.AsType[*pgconn.PgError](find()); ok && refusal.Code == "0A000" {
						failed++
					}
				}
				if failed != one.failed {
					t.Errorf("%d of 5 calls failed, want %d", failed, one.failed)
				}
			})
		}
	})
}
