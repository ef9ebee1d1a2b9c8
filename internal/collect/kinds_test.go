package collect_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/collect/table"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/subject"
)

// guessed looks at a source and takes the guess, which must leave nothing to say.
func (s *shop) guessed(k collect.Kind, src collect.Source, a collect.Answers) *table.Mapping {
	s.Helper()
	g, err := collect.Look(s.ctx, k, src, nil)
	if err == nil {
		err = collect.Answer(k, &g, a)
	}
	if err != nil {
		s.Fatal(err)
	}
	if !g.Sure() {
		s.Fatalf("the guess of %s leaves to say: %q, %q", k, g.Missing, g.Doubts)
	}
	return &g.Mapping
}

func (s *shop) brings(k collect.Kind, src collect.Source, a collect.Answers, batch int) (collect.Report, error) {
	s.Helper()
	return collect.New(s.store, s.door).Import(s.ctx, k, src, collect.Options{Map: s.guessed(k, src, a), BatchOrders: batch})
}

func (s *shop) brought(k collect.Kind, content string) collect.Report {
	s.Helper()
	r, err := s.brings(k, source(content), collect.Answers{}, 0)
	if err != nil || !r.Finished {
		s.Fatalf("%v, finished: %t", err, r.Finished)
	}
	return r
}

// person is everything that is kept of whoever has an identifier, as text.
func (s *shop) person(k subject.Kind, value string) (thimble.SubjectID, string) {
	s.Helper()
	found, err := s.people.FindAll(s.ctx, []subject.Identifier{{Kind: k, Value: thimble.Hide(value)}})
	if err != nil {
		s.Fatal(err)
	}
	if found[0].IsZero() {
		return found[0], ""
	}
	var all []string
	for _, h := range []thimble.Holder{s.people, s.store} {
		for d, err := range h.Export(s.ctx, found[0]) {
			if err != nil {
				s.Fatal(err)
			}
			if d.Category == thimble.Pseudonym || d.Name == "here last" {
				continue // drawn anew each time, and the day of the test
			}
			switch v := d.Value.(type) {
			case subject.Residence:
				all = append(all, v.Country+" by "+v.Evidence)
			case subject.Age:
				all = append(all, string(v.State))
			default:
				all = append(all, fmt.Sprint(v))
			}
		}
	}
	return found[0], strings.Join(all, "; ")
}

const customersHead = "Customer ID,Email,Phone,First Name,Last Name,Country,Province,Date of Birth,Street,Favourite Colour\n"

func TestACustomerIsWhatPurposesNeedAndNoMore(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		r := s.brought(collect.Customers, customersHead+
			"7,Ada@Example.org,+44 20 7946 0018,Ada,Lovelace,France,Normandie,1990-12-10,12 Rue Xyzzy,mauve\n"+
			"8,,07946 0018,Kid,Young,GB,,2020-01-01,,\n")
		if r.Written != 2 || r.Subjects != 2 || r.Dropped != 1 || r.Rejected != 0 {
			t.Errorf("got %+v", r.Counts)
		}
		_, got := s.person(subject.Email, "ada@example.org")
		want := "7; ada@example.org; +442079460018; FR by import; adult; Ada Lovelace; Normandie"
		if got != want {
			t.Errorf("ada is %q, want %q", got, want)
		}
		if _, kid := s.person(subject.Account, "8"); kid != "8; GB by import; minor; Kid Young" {
			t.Errorf("the child is %q", kid)
		}
		s.nothingSays("Xyzzy", "1990", "mauve", "Lovelace", "ada@", "Normandie")
	})
}

// nothingSays looks through every table for words that must not be in the clear.
func (s *shop) nothingSays(words ...string) {
	s.Helper()
	for _, table := range []string{"collect_facts", "collect_reviews", "collect_imports", "collect_rejects", "subject_subjects", "subject_identifiers", "consent_events"} {
		err := s.db.Read(s.ctx, func(tx *sqldb.Tx) error {
			rows, err := tx.Query(s.ctx, "select * from "+table)
			if err != nil {
				return err
			}
			defer rows.Close()
			columns, err := rows.Columns()
			if err != nil {
				return err
			}
			for rows.Next() {
				cells := make([]any, len(columns))
				for i := range cells {
					cells[i] = new(any)
				}
				if err := rows.Scan(cells...); err != nil {
					return err
				}
				for i := range cells {
					v := *(cells[i].(*any))
					if b, ok := v.([]byte); ok {
						v = string(b)
					}
					for _, w := range words {
						if strings.Contains(fmt.Sprint(v), w) {
							s.Errorf("%s.%s says %q", table, columns[i], w)
						}
					}
				}
			}
			return rows.Err()
		})
		if err != nil {
			s.Fatal(err)
		}
	}
}

func TestTheDoorDecidesWhatOfACustomerIsKept(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		s.door = door{collect.NameCategory, subject.Phone.Category(), thimble.Country}
		r := s.brought(collect.Customers, customersHead+"7,ada@example.org,+442079460018,Ada,Lovelace,France,Normandie,,,\n")
		if _, got := s.person(subject.Email, "ada@example.org"); got != "7; ada@example.org; Normandie" || len(r.Withheld) != 3 {
			t.Errorf("got %q, withheld %v", got, r.Withheld)
		}
		s.door = door{thimble.AccountIdentifier, subject.Phone.Category(), subject.Email.Category()}
		r = s.brought(collect.Customers, customersHead+"9,dora@example.org,,Dora,,,,,,\n")
		if r.Subjects != 0 || r.Nobody != 1 {
			t.Errorf("somebody without identifiers: %+v", r.Counts)
		}
	})
}

func TestOneAddressWithTwoAccountsIsTwoPeopleAndNobodyIsMerged(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		head := "Customer ID,Email,Country\n"
		r := s.brought(collect.Customers, head+"1,shared@example.org,FR\n2,shared@example.org,DE\n1,other@example.org,\n,shared@example.org,\n")
		if r.Subjects != 2 || r.Contested != 1 || r.Written != 4 {
			t.Errorf("got %+v", r.Counts)
		}
		one, said := s.person(subject.Account, "1")
		two, other := s.person(subject.Account, "2")
		if one == two || said != "1; other@example.org; shared@example.org; FR by import" && said != "1; shared@example.org; other@example.org; FR by import" || other != "2; DE by import" {
			t.Errorf("one is %q, two is %q", said, other)
		}
		// A row without account brings one to whoever had none.
		s.brought(collect.Customers, head+",late@example.org,FR\n")
		r = s.brought(collect.Customers, head+"3,late@example.org,\n")
		if _, late := s.person(subject.Account, "3"); r.Joined != 1 || r.Subjects != 0 || !strings.Contains(late, "late@example.org") {
			t.Errorf("late is %q: %+v", late, r.Counts)
		}
	})
}

func TestWhatAPersonDeclaredIsNotTouchedByAnImport(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		head := "Customer ID,Country,Birthday,Name\n"
		s.brought(collect.Customers, head+"1,FR,,Old Name\n")
		who, _ := s.person(subject.Account, "1")
		err := s.db.Write(s.ctx, func(tx *sqldb.Tx) error {
			if err := s.people.SetAge(s.ctx, tx, who, subject.Age{State: subject.AgeMinor, Evidence: "declared", At: time.Now()}); err != nil {
				return err
			}
			return s.people.SetResidence(s.ctx, tx, who, subject.Residence{Country: "CH", Evidence: "declared", At: time.Now()})
		})
		if err != nil {
			t.Fatal(err)
		}
		s.brought(collect.Customers, head+"1,DE,1950-01-01,New Name\n")
		if _, got := s.person(subject.Account, "1"); got != "1; CH by declared; minor; New Name" {
			t.Errorf("got %q", got)
		}
	})
}

// forgetAll forgets whoever has an identifier, in everything the shop keeps.
func (s *shop) forgetAll(k subject.Kind, value string) {
	s.Helper()
	who, _ := s.person(k, value)
	for _, h := range []thimble.Holder{s.people, s.consent, s.orders, s.store} {
		if _, err := h.Erase(s.ctx, who); err != nil {
			s.Fatal(err)
		}
	}
	if _, err := s.vault.Shred(s.ctx, who); err != nil {
		s.Fatal(err)
	}
}

// files has a file of each kind about people, in which ada is by e-mail address.
func files() map[collect.Kind]string {
	yesterday := time.Now().Add(-24 * time.Hour).UTC().Format(time.RFC3339)
	proof := strings.Repeat("ab", 32)
	return map[collect.Kind]string{
		collect.Customers: "Email,Customer ID,Name,Country\nada@example.org,,Ada L,FR\nbob@example.org,,Bob B,FR\n",
		collect.Orders:    "Order ID,Created At,Email,SKU,Qty,Price,Currency\n1,2024-05-01,ada@example.org,A-1,1,9.90,EUR\n2,2024-05-01,bob@example.org,A-1,1,9.90,EUR\n",
		collect.Reviews:   "SKU,Rating,Email,Text\nA-1,5,ada@example.org,Lovely\nA-1,4,bob@example.org,Nice\n",
		collect.Consents: "Email,Purpose,Choice,Date,Source,Text Version,Evidence\nada@example.org,train_ai_system,yes," + yesterday + ",form,1," + proof +
			"\nbob@example.org,train_ai_system,yes," + yesterday + ",form,1," + proof + "\n",
	}
}

func TestWhoWasForgottenStaysOutOfEveryKindOfImport(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		s.brought(collect.Customers, files()[collect.Customers])
		s.forgetAll(subject.Email, "ada@example.org")
		for kind, content := range files() {
			r := s.brought(kind, strings.Replace(content, "\nbob", "\nbob", 1)+"\n")
			if r.Suppressed != 1 {
				t.Errorf("%s: got %+v, want one suppressed", kind, r.Counts)
			}
			if who, said := s.person(subject.Email, "ada@example.org"); !who.IsZero() {
				t.Errorf("%s brought ada back: %s", kind, said)
			}
		}
		for name, row := range map[string]string{
			"with an account of nobody": "Email,Customer ID\nada@example.org,new-1\n", "in other letters": "Email,Customer ID\nADA@Example.ORG,\n",
		} {
			if r := s.brought(collect.Customers, row); r.Suppressed != 1 || r.Subjects != 0 {
				t.Errorf("%s: got %+v", name, r.Counts)
			}
		}
		for kind, rows := range map[collect.Kind]string{
			collect.Orders:  "Order ID,Created At,Customer ID,Email,SKU,Qty,Price,Currency\n9,2024-05-01,new-2,ada@example.org,A-1,1,9.90,EUR\n",
			collect.Reviews: "SKU,Rating,Customer ID,Email,Text\nA-1,5,new-3,ada@example.org,Lovely\n",
		} {
			if r := s.brought(kind, rows); r.Suppressed != 1 || r.Subjects != 0 {
				t.Errorf("%s with a new account beside the forgotten address: got %+v", kind, r.Counts)
			}
		}
		// Somebody who is there keeps their account, without the forgotten address.
		s.brought(collect.Customers, "Customer ID,Country\n77,DE\n")
		r := s.brought(collect.Customers, "Email,Customer ID\nada@example.org,77\n")
		if _, said := s.person(subject.Account, "77"); r.Written != 1 || r.Dropped != 1 || strings.Contains(said, "ada") {
			t.Errorf("got %+v and %q", r.Counts, said)
		}
	})
}

// An account that was forgotten says whose the row is: whoever has its address or its phone
// now gets nothing of it.
func TestARowOfAForgottenAccountGivesNobodyElseANameOrAnIdentifier(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		s.brought(collect.Customers, "Customer ID,Name\n7,Ada L\n")
		s.brought(collect.Customers, "Email,Name\nbob@example.org,Bob B\n")
		s.forgetAll(subject.Account, "7")
		r := s.brought(collect.Customers, "Customer ID,Email,Phone,Name,Country\n7,bob@example.org,+442079460018,Ada L,FR\n")
		if r.Suppressed != 1 || r.Written != 0 || r.Joined != 0 {
			t.Errorf("got %+v, want the row left out", r.Counts)
		}
		if _, bob := s.person(subject.Email, "bob@example.org"); bob != "bob@example.org; Bob B" {
			t.Errorf("bob is %q", bob)
		}
		if who, said := s.person(subject.Phone, "+442079460018"); !who.IsZero() {
			t.Errorf("the phone of somebody forgotten leads to %q", said)
		}
		yes := "Customer ID,Email,Purpose,Choice,Chosen At,Where,Text Version,Evidence\n7,bob@example.org,train_ai_system,given,2024-05-01T10:00:00Z,form,3," + strings.Repeat("ab", 32) + "\n"
		if r := s.brought(collect.Consents, yes); r.Suppressed != 1 || r.Written != 0 {
			t.Errorf("a yes of somebody forgotten: got %+v", r.Counts)
		}
	})
}

func TestAnErasureReachesWhatImportsBrought(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		for _, k := range []collect.Kind{collect.Customers, collect.Orders, collect.Reviews, collect.Consents} {
			s.brought(k, files()[k])
		}
		who, said := s.person(subject.Email, "ada@example.org")
		if !strings.Contains(said, "Ada L") || !strings.Contains(said, "Lovely") {
			t.Fatalf("ada is %q", said)
		}
		s.forgetAll(subject.Email, "ada@example.org")
		for d, err := range s.store.Export(s.ctx, who) {
			t.Errorf("left: %+v, %v", d, err)
		}
		if _, bob := s.person(subject.Email, "bob@example.org"); !strings.Contains(bob, "Nice") {
			t.Errorf("bob has lost something: %q", bob)
		}
	})
}

func TestReviewsAreScannedAndThoseOfNobodyHaveNoText(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		content := "SKU,Rating,Review ID,Email,Title,Text,Date\n" +
			"A-1,4.5,r1,ada@example.org,Call me +44 20 7946 0018,\"Good, my card is 4111 1111 1111 1111\",2024-05-01\n" +
			"A-1,3,r2,,So so,I am Xyzzy,2024-05-02\n" +
			"A-1,6,r3,,Too good,,2024-05-02\n" +
			"A-1,4.5,r1,ada@example.org,Again,,2024-05-01\n"
		r := s.brought(collect.Reviews, content)
		if r.Written != 2 || r.Redacted != 1 || r.Nobody != 1 || r.Known != 1 || r.Reasons[collect.BadRating] != 1 {
			t.Errorf("got %+v", r.Counts)
		}
		_, said := s.person(subject.Email, "ada@example.org")
		if !strings.Contains(said, "Good, my card is [card]") || strings.Contains(said, "7946") || !strings.Contains(said, "4.5") {
			t.Errorf("ada's review is %q", said)
		}
		s.nothingSays("Xyzzy", "Good,", "4111")
	})
}

// No erasure reaches a review of nobody: the time is the day, and no hash is kept of who wrote
// it, of its number or of its text. It still counts once.
func TestOfAReviewOfNobodyStayItemStarsAndDay(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		s.door = door{subject.Email.Category()}
		const head, row = "SKU,Rating,Review ID,Email,Text,Date\n", "A-1,4,%s,%s,%s,2024-05-01T10:11:12Z\n"
		twice := head + fmt.Sprintf(row, "r1", "ada@example.org", "Lovely") + fmt.Sprintf(row, "r2", "bob@example.org", "Nice")
		if r := s.brought(collect.Reviews, twice); r.Written != 2 || r.Nobody != 2 || r.Dropped != 2 {
			t.Errorf("got %+v, want two of nobody", r.Counts)
		}
		// The same two by other people, under other numbers, with another text: nothing of it
		// tells, so that they are the same, and only the third is new.
		other := head + fmt.Sprintf(row, "r8", "cleo@example.org", "Fine") + fmt.Sprintf(row, "r9", "dan@example.org", "") + fmt.Sprintf(row, "", "", "")
		if r := s.brought(collect.Reviews, other); r.Written != 1 || r.Known != 2 {
			t.Errorf("got %+v, want one new and two known", r.Counts)
		}
		err := s.db.Read(s.ctx, func(tx *sqldb.Tx) error {
			var n, at int64
			err := tx.QueryRow(s.ctx, `select count(*), max(at) from collect_reviews where subject_id is null`).Scan(&n, &at)
			if want := time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC).UnixMicro(); n != 3 || at != want {
				t.Errorf("%d reviews of nobody, at %d, want 3 at %d", n, at, want)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestReturnsAreToldWhereverTheFileSaysThem(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		r := s.brought(collect.Orders, "Order ID,Created At,Email,SKU,Qty,Price,Currency,Returned,Returned At\n"+
			"1,2024-05-01,ada@example.org,A-1,2,9.90,EUR,no,\n1,2024-05-01,ada@example.org,A-2,1,20,EUR,yes,2024-05-09\n"+
			"2,2024-05-02,ada@example.org,A-3,1,5,EUR,,\n2,2024-05-03,ada@example.org,A-3,-1,5,EUR,,\n"+
			"3,2024-05-04,ada@example.org,A-1,-1,9.90,EUR,,\n")
		if r.Orders != 5 || r.Returns != 3 || r.Rows != 5 || r.Rejected != 0 {
			t.Errorf("got %+v", r.Counts)
		}
		all := s.everything()
		for number, want := range map[string]string{"1": "Return:false", "1-R": "PlacedAt:2024-05-09", "2-R": "Return:true", "3": "Return:true"} {
			if !strings.Contains(all[number], want) {
				t.Errorf("order %s is %s, want %s", number, all[number], want)
			}
		}
	})
}

func TestTwoImportsOfOnePersonAtOnceMakeOnePerson(t *testing.T) {
	sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
		one := newShop(t, open(sqldb.Core), open(sqldb.Keys))
		two := &shop{TB: t, ctx: one.ctx, vault: one.vault}
		two.open(open(sqldb.Core))
		var rows strings.Builder
		for i := range 120 {
			fmt.Fprintf(&rows, "%d,p%d@example.org,FR\n", i+1, i)
		}
		var wg sync.WaitGroup
		for i, s := range []*shop{one, two} {
			wg.Go(func() {
				// Other columns, so that they are two sources.
				src := source([]string{"Customer ID,Email,Country\n", "Customer ID,E-Mail,Land\n"}[i] + rows.String())
				r, err := s.brings(collect.Customers, src, collect.Answers{}, 7)
				if err != nil || !r.Finished || r.Written != 120 {
					t.Errorf("import %d: %v, %+v", i, err, r.Counts)
				}
			})
		}
		wg.Wait()
		if n, err := one.people.Count(t.Context()); err != nil || n != 120 {
			t.Errorf("there are %d people, %v, want 120", n, err)
		}
	})
}

func TestEveryKindGoesOnWhereItWasCut(t *testing.T) {
	for kind, content := range files() {
		t.Run(string(kind), func(t *testing.T) {
			eachShop(t, func(t *testing.T, s *shop) {
				if kind == collect.Consents {
					s.brought(collect.Customers, files()[collect.Customers])
				}
				m := s.guessed(kind, source(content), collect.Answers{})
				cut := source(content)
				opened := 0
				cut.Open = func() (io.ReadCloser, error) {
					if opened++; opened == 3 { // digest, probe, and then the work
						return io.NopCloser(io.MultiReader(strings.NewReader(content[:strings.LastIndex(strings.TrimSuffix(content, "\n"), "\n")+1]), broken{})), nil
					}
					return source(content).Open()
				}
				opt := collect.Options{Map: m, BatchOrders: 1}
				r, err := collect.New(s.store, s.door).Import(s.ctx, kind, cut, opt)
				if !errors.Is(err, errPower) || r.Finished {
					t.Fatalf("got %v, %+v", err, r)
				}
				r, err = collect.New(s.store, s.door).Import(s.ctx, kind, source(content), opt)
				if err != nil || !r.Finished || r.Rows != 2 || r.Written+r.Orders != 2 {
					t.Errorf("got %v, %+v, want both rows once", err, r)
				}
			})
		})
	}
}

// broken is where the power goes out.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errPower }

func TestSayingNothingOfPeopleHoldsForEveryKind(t *testing.T) {
	s := newShop(t, sqldbtest.SQLite(t, sqldb.Core), sqldbtest.SQLite(t, sqldb.Keys))
	s.brought(collect.Customers, "Email,Name\nbob@example.org,Bob\n")
	for kind, content := range files() {
		content = strings.ReplaceAll(content, "ada@example.org", "xyzzy@") // no address any more
		r, err := s.brings(kind, source(content), collect.Answers{}, 0)
		said := fmt.Sprintf("%v %+v %s", err, r, r.Summary())
		if strings.Contains(said, "xyzzy") || r.Rejected != 1 {
			t.Errorf("%s: %s", kind, said)
		}
	}
}

func TestKindsWithoutAConfirmedMappingAreRefused(t *testing.T) {
	s := newShop(t, sqldbtest.SQLite(t, sqldb.Core), sqldbtest.SQLite(t, sqldb.Keys))
	for _, k := range collect.Kinds() {
		opt := collect.Options{}
		if k == collect.Orders {
			opt.Map = &table.Mapping{Kind: "customers", Form: table.Plain()}
		}
		if _, err := collect.New(s.store, s.door).Import(s.ctx, k, source(files()[collect.Customers]), opt); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%s: %v", k, err)
		}
	}
	if all, err := s.store.Imports(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%d imports were begun, %v", len(all), err)
	}
}
