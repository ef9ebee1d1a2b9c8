package staff_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/staff"
)

func TestNamesAreHandlesThatNobodyElseHasInTheLog(t *testing.T) {
	for name, want := range map[string]bool{
		"mara": true, "m.k-2": true, "ivo_b": true, "": false, "m": false, "Mara": false, "2mara": false, "mara k": false, "machine": false, "root": false,
		strings.Repeat("a", 33): false, "mara\n": false, "mära": false,
	} {
		if err := staff.CheckName(name); (err == nil) != want || err != nil && !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("CheckName(%q) = %v, want good %t", name, err, want)
		}
	}
}

func TestPasswordsAreLongAndOfOnesOwn(t *testing.T) {
	for password, says := range map[string]string{
		"ein Fingerhut voll Mut": "", "correct horse battery": "", "ünïcödé ist auch gut": "", "x9$kk2!pQ7zz": "",
		"short": "at least 12", "elf zeichen": "at least 12", "aaaabbbbaaaabbbb": "different characters", "Password2026!": "everybody takes", "P@ssw0rd1234!!": "everybody takes",
		"qwertyuiop12345": "everybody takes", "mara-mara-2026": "everybody takes", "thimblethimble9": "everybody takes", "123456789012": "everybody takes",
		"correcthorsebatterystaple": "everybody takes", "twelve\x00bytes!": "control characters", strings.Repeat("lang ", 60): "at most",
	} {
		err := staff.CheckPassword(thimble.Hide(password), "mara")
		switch {
		case says == "" && err != nil:
			t.Errorf("%q: %v", password, err)
		case says != "" && (err == nil || !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(err.Error(), says)):
			t.Errorf("%q: %v, want it to say %q", password, err, says)
		case err != nil && strings.Contains(err.Error(), password):
			t.Errorf("%q is repeated", password)
		}
	}
}

var quick = staff.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}

func TestAPasswordIsKnownByItsHashAlone(t *testing.T) {
	hash := func() string {
		h, err := staff.HashPassword(thimble.Hide("ein Fingerhut voll Mut"), quick, nil)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	one, other := hash(), hash()
	if one == other || !strings.HasPrefix(one, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Errorf("hashes %s, %s", one, other)
	}
	for password, want := range map[string]bool{"ein Fingerhut voll Mut": true, "ein Fingerhut voll Muth": false, "": false} {
		if right, again := staff.VerifyPassword(one, thimble.Hide(password), quick); right != want || again {
			t.Errorf("%q: right %t, again %t", password, right, again)
		}
	}
	if right, again := staff.VerifyPassword(one, thimble.Hide("ein Fingerhut voll Mut"), staff.DefaultCost()); !right || !again {
		t.Errorf("a hash of another cost: right %t, again %t, want it made anew", right, again)
	}
	for _, broken := range []string{"", "x", one[:len(one)-2], strings.Replace(one, "argon2id", "argon2i", 1), strings.Replace(one, "t=1", "t=0", 1), strings.Replace(one, "m=64", "m=99999999", 1), strings.Replace(one, "v=19", "v=16", 1)} {
		if right, _ := staff.VerifyPassword(broken, thimble.Hide("ein Fingerhut voll Mut"), quick); right {
			t.Errorf("%q is taken for a hash", broken)
		}
	}
}

// The vectors of RFC 6238, appendix B, for SHA-1: eight digits there, of which an app
// shows the last six. Their secret is "12345678901234567890".
func TestCodesAreThoseOfRFC6238(t *testing.T) {
	secret := thimble.Hide("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
	if err := staff.CheckSecret(secret); err != nil {
		t.Fatal(err)
	}
	for at, code := range map[int64]string{1111111109: "07081804", 1111111111: "14050471", 1234567890: "89005924", 2000000000: "69279037", 20000000000: "65353130"} {
		step, right := staff.CodeStep(secret, code[2:], time.Unix(at, 0))
		if !right || step != at/30 {
			t.Errorf("at %d: step %d, right %t", at, step, right)
		}
		for away, want := range map[int64]bool{-60: false, -30: true, 30: true, 60: false} {
			if _, right := staff.CodeStep(secret, code[2:], time.Unix(at+away, 0)); right != want {
				t.Errorf("at %d, %d s away: %t, want %t", at, away, right, want)
			}
		}
	}
	if step, right := staff.CodeStep(secret, "287082", time.Unix(59, 0)); !right || step != 1 {
		t.Errorf("at 59: step %d, right %t", step, right)
	}
	for _, wrong := range []string{"", "000000", "94287082", "abcdef"} {
		if _, right := staff.CodeStep(secret, wrong, time.Unix(59, 0)); right {
			t.Errorf("%q comes in", wrong)
		}
	}
	if _, right := staff.CodeStep(secret, " 287-082 ", time.Unix(59, 0)); !right {
		t.Error("blanks in a code are held against it")
	}
}

func TestRecoveryCodesAreForOneAccount(t *testing.T) {
	codes, err := staff.NewRecoveryCodes(nil)
	if err != nil || len(codes) != staff.RecoveryCodes {
		t.Fatal(codes, err)
	}
	text := codes[0].Reveal()
	want := string(staff.RecoveryHash(thimble.ID{1}, text))
	if string(staff.RecoveryHash(thimble.ID{1}, strings.ToUpper(strings.ReplaceAll(text, "-", " ")))) != want {
		t.Error("another spelling is another code")
	}
	if string(staff.RecoveryHash(thimble.ID{2}, text)) == want {
		t.Error("the code comes in by another account")
	}
}

func TestNobodyDecidesAboutThemselves(t *testing.T) {
	for what, want := range map[staff.What]bool{
		staff.RolesChanged: false, staff.TrainingSet: false, staff.Unlocked: false, staff.HasLeft: false, staff.NewPassword: true, staff.SetUp: true,
	} {
		err := staff.Change{V: 1, Account: "mara", By: "mara", What: what}.Check()
		if (err == nil) != want || err != nil && !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("%s by oneself: %v, want allowed %t", what, err, want)
		}
		if err := (staff.Change{V: 1, Account: "mara", By: "ivo", What: what}).Check(); err != nil {
			t.Errorf("%s by another: %v", what, err)
		}
	}
}
