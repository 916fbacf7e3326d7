package ident_test

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/rekey-pg/rekey/ident"
)

// During a migration, a path such as /users/{id} may contain either identifier.
func ExampleParse() {
	for _, text := range []string{"42", "018F3B2E-7C41-7A5D-9E0F-00112233AABB", "042"} {
		id, err := ident.Parse(text)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(id.Kind(), id)
	}
	// Output:
	// integer 42
	// uuid 018f3b2e-7c41-7a5d-9e0f-00112233aabb
	// ident: "042" is not an identifier: an integer is written without leading zeros, and zero without a sign
}

func ExampleID_Where() {
	for _, id := range []ident.ID{
		ident.FromInt64(42),
		ident.FromUUID(ident.V7At(time.Now())),
	} {
		condition, _ := id.Where("id", "uuid")
		fmt.Println("SELECT email FROM users WHERE " + condition)
	}
	// Output:
	// SELECT email FROM users WHERE "id" = CAST($1 AS bigint)
	// SELECT email FROM users WHERE "uuid" = CAST($1 AS uuid)
}

func ExampleID_WhereAt() {
	condition, argument := ident.FromInt64(42).WhereAt(2, "u.id", "u.uuid")
	fmt.Println("SELECT u.email FROM users u WHERE u.tenant = $1 AND "+condition, argument)
	// Output:
	// SELECT u.email FROM users u WHERE u.tenant = $1 AND "u"."id" = CAST($2 AS bigint) 42
}

func ExampleID_MarshalJSON() {
	id, _ := ident.Parse("018F3B2E-7C41-7A5D-9E0F-00112233AABB")
	text, _ := json.Marshal([]ident.ID{ident.FromInt64(42), id, {}, ident.FromInt64(1 << 53)})
	fmt.Println(string(text))
	// Output:
	// [42,"018f3b2e-7c41-7a5d-9e0f-00112233aabb",null,"9007199254740992"]
}

func ExampleNewV7() {
	first, second := ident.NewV7(), ident.NewV7()
	fmt.Println(first.String() < second.String())
	// Output:
	// true
}

// Any type of 16 bytes works: this one represents uuid.UUID of google/uuid or gofrs/uuid.
func ExampleNewV7As() {
	type UUID [16]byte
	made := ident.NewV7As[UUID]()
	read, _ := ident.FromUUID(made).UUID()
	fmt.Println(UUID(read) == made)
	// Output:
	// true
}

// A UUID for a row of an old system has the time at which the row was created.
func ExampleV7At() {
	made := time.Date(2022, 2, 22, 19, 22, 22, 0, time.UTC)
	at, _ := ident.Time(ident.V7At(made))
	fmt.Println(at)
	// Output:
	// 2022-02-22 19:22:22 +0000 UTC
}

func ExampleTime() {
	u, _ := ident.ParseUUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")
	fmt.Println(ident.Time(u))
	// Output:
	// 2022-02-22 19:22:22 +0000 UTC true
}
