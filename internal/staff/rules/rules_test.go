package rules

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"thimble"
	"thimble/internal/datamap"
	"thimble/internal/staff"
)

func load(files map[string]string) (*Set, error) {
	folder := fstest.MapFS{}
	for name, text := range files {
		folder[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return Load(folder)
}

func TestABrokenPolicyIsRefusedWithFileAndLine(t *testing.T) {
	for name, tc := range map[string]struct{ text, says string }{
		"grammar":         {"// a comment\n\npermit (principal, action, resource", "own.cedar:3"},
		"no id":           {"\npermit (principal, action == Action::\"read\", resource);", "own.cedar:2: the annotation @id is missing"},
		"unknown role":    {"@id(\"a\")\npermit (principal in Role::\"wizard\", action == Action::\"read\", resource);", "there is no role \"wizard\""},
		"unknown action":  {"@id(\"a\")\npermit (principal, action == Action::\"steal\", resource);", "own.cedar:1"},
		"unknown purpose": {"@id(\"a\")\npermit (principal, action == Action::\"read\", resource) when { context.purpose in Purpose::\"curiosity\" };", "there is no purpose \"curiosity\""},
		"unknown category": {"@id(\"a\")\npermit (principal, action == Action::\"read\", resource in Category::\"user.mood\");",
			"there is no category \"user.mood\""},
		"unknown page":      {"@id(\"a\")\npermit (principal, action == Action::\"open\", resource == Page::\"vault\");", "there is no page \"vault\""},
		"unknown attribute": {"@id(\"a\")\npermit (principal, action == Action::\"read\", resource) when { context.rich };", "own.cedar:1"},
		"wrong type":        {"@id(\"a\")\npermit (principal, action == Action::\"read\", resource) when { context.people };", "own.cedar:1"},
		"a page is no data": {"@id(\"a\")\npermit (principal, action == Action::\"read\", resource == Page::\"overview\");", "own.cedar:1"},
		"same id":           {"@id(\"a\")\npermit (principal, action == Action::\"read\", resource);\n@id(\"a\")\npermit (principal, action == Action::\"open\", resource);", "own.cedar:3: the @id \"a\" is that of own.cedar:1 too"},
		"nothing":           {"// nothing", "no policy was found"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := load(map[string]string{"own.cedar": tc.text}); !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want it to say %q", err, tc.says)
			}
		})
	}
}

func TestOneBrokenFileRefusesAll(t *testing.T) {
	good := "@id(\"a\")\npermit (principal, action == Action::\"open\", resource == Page::\"overview\");"
	if _, err := load(map[string]string{"good.cedar": good}); err != nil {
		t.Fatal(err)
	}
	if _, err := load(map[string]string{"good.cedar": good, "bad.cedar": "permit"}); !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("half of the rules was taken: %v", err)
	}
}

// Whoever may make accounts must not see by it whom they are for, or anybody.
func TestWhoAdministersSeesNobody(t *testing.T) {
	s := shippedSet(t)
	for _, role := range []staff.Role{staff.Admin, staff.Marketing, staff.Designer, staff.Partners} {
		for _, p := range datamap.Purposes() {
			for _, c := range datamap.Categories() {
				for _, a := range []Action{Read, ReadMasked, Export, Act} {
					r := Request{Account: "mara", Roles: []staff.Role{role}, Action: a, Purpose: thimble.Purpose(p.Key), Category: thimble.Category(c.Key), Trained: true, Fresh: true, Glass: true}
					if got := s.Decide(r); got.Allowed {
						t.Errorf("%s may %s %s for %s, by %v", role, a, c.Key, p.Key, got.Policies)
					}
				}
			}
		}
	}
}

func TestSupportHelpsWhoAskedAndNobodyElse(t *testing.T) {
	s := shippedSet(t)
	ask := Request{Account: "mara", Roles: []staff.Role{staff.Support}, Action: Read, Purpose: thimble.SupportOperations, Category: thimble.PurchaseHistory, Trained: true}
	for name, tc := range map[string]struct {
		change func(*Request)
		want   bool
		says   string
	}{
		"as it is":         {func(*Request) {}, true, ""},
		"untrained":        {func(r *Request) { r.Trained = false }, false, "training"},
		"another purpose":  {func(r *Request) { r.Purpose = thimble.PersonalizeContent }, false, "support"},
		"a part of it":     {func(r *Request) { r.Purpose = "essential.service.operations.support" }, true, ""},
		"unknown purpose":  {func(r *Request) { r.Purpose = "curiosity" }, false, "no such purpose"},
		"unknown category": {func(r *Request) { r.Category = "user.mood" }, false, "no such purpose"},
		"no role":          {func(r *Request) { r.Roles = nil }, false, "no role"},
		"the 200th person": {func(r *Request) { r.People = 200 }, false, "200 people"},
		"as an export":     {func(r *Request) { r.Action, r.Fresh = Export, true }, false, "support"},
	} {
		r := ask
		tc.change(&r)
		if got := s.Decide(r); got.Allowed != tc.want || !strings.Contains(got.Why, tc.says) {
			t.Errorf("%s: %+v, want allowed %t and to say %q", name, got, tc.want, tc.says)
		}
	}
}

// What a shop of this kind may know beside orders, choices and decisions is not support's
// to see in the clear (docs/roles.md).
func TestSupportSeesNoBodyAndNoCard(t *testing.T) {
	s := shippedSet(t)
	for category, want := range map[thimble.Category]bool{
		thimble.PurchaseHistory: true, thimble.PrivacyPreferences: true, thimble.AutomatedDecision: true, thimble.AccessRecord: true,
		"thimble.body_measurements": false, "thimble.try_on_image": false, "thimble.payment.token": false, "thimble.price_sensitivity": false, "thimble.household": false,
	} {
		got := s.Decide(Request{Account: "mara", Roles: []staff.Role{staff.Support}, Action: Read, Purpose: thimble.SupportOperations, Category: category, Trained: true})
		if got.Allowed != want {
			t.Errorf("%s: %+v, want allowed %t", category, got, want)
		}
	}
}

// An emergency opens one person to support and security, to look.
func TestBrokenGlassOpensToLookAndNothingElse(t *testing.T) {
	s := shippedSet(t)
	r := Request{Account: "mara", Roles: []staff.Role{staff.Security}, Action: Read, Purpose: thimble.SupportOperations, Category: thimble.AccountIdentifier, Trained: true, Fresh: true}
	if s.Decide(r).Allowed {
		t.Error("security reads accounts without an emergency")
	}
	r.Glass = true
	if !s.Decide(r).Allowed {
		t.Error("security does not read accounts in an emergency")
	}
	for _, a := range []Action{Export, Act} {
		r.Action = a
		if s.Decide(r).Allowed {
			t.Errorf("%s behind broken glass", a)
		}
	}
}

func TestOnesOwnPoliciesStandBesideTheShippedOnes(t *testing.T) {
	own := fstest.MapFS{"own.cedar": {Data: []byte(`@id("no-stylists-on-orders")
@why("our stylists do not see what was bought")
forbid (principal in Role::"stylist", action in [Action::"read", Action::"readMasked"], resource in Category::"user.behavior");`)}}
	s, err := Load(shippedFolder(t), own)
	if err != nil {
		t.Fatal(err)
	}
	got := s.Decide(Request{Account: "ivo", Roles: []staff.Role{staff.Stylist}, Action: Read, Purpose: thimble.SupportOperations, Category: thimble.PurchaseHistory, Trained: true})
	if got.Allowed || got.Why != "our stylists do not see what was bought" {
		t.Errorf("got %+v", got)
	}
}

func shippedFolder(t *testing.T) fstest.MapFS {
	t.Helper()
	folder := fstest.MapFS{}
	files, err := shipped.ReadDir("policies")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := shipped.ReadFile("policies/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		folder[f.Name()] = &fstest.MapFile{Data: b}
	}
	return folder
}

func FuzzNoTextBreaksTheReader(f *testing.F) {
	for _, text := range []string{"", "permit", `@id("a") permit (principal, action == Action::"read", resource);`, `@id("a") forbid (principal in Role::"admin", action, resource) when { 1 == 1 };`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := load(map[string]string{"f.cedar": text}); err == nil && len(s.policies) == 0 {
			t.Error("a set without policies was taken")
		}
	})
}

func BenchmarkDecide(b *testing.B) {
	r := Request{Account: "mara", Roles: []staff.Role{staff.Support}, Action: Read, Purpose: thimble.SupportOperations, Category: thimble.PurchaseHistory, Trained: true}
	for _, n := range []int{0, 50, 1000} {
		var text strings.Builder
		for i := range n {
			roles := staff.Roles()
			fmt.Fprintf(&text, "@id(\"more-%d\")\npermit (principal in Role::%q, action == Action::\"read\", resource in Category::\"user.contact\") when { context.purpose in Purpose::\"essential.service\" };\n", i, roles[i%len(roles)])
		}
		folders := fstest.MapFS{}
		files, err := shipped.ReadDir("policies")
		if err != nil {
			b.Fatal(err)
		}
		for _, f := range files {
			t, err := shipped.ReadFile("policies/" + f.Name())
			if err != nil {
				b.Fatal(err)
			}
			folders[f.Name()] = &fstest.MapFile{Data: t}
		}
		if n > 0 {
			folders["more.cedar"] = &fstest.MapFile{Data: []byte(text.String())}
		}
		s, err := Load(folders)
		if err != nil {
			b.Fatal(err)
		}
		for name, decide := range map[string]func(Request) Answer{"again": s.Decide, "afresh": s.decide} {
			b.Run(fmt.Sprintf("policies=%d/%s", len(s.policies), name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if !decide(r).Allowed {
						b.Fatal("refused")
					}
				}
			})
		}
	}
}
