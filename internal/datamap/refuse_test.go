package datamap_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"thimble"
	"thimble/internal/datamap"
	"thimble/internal/sqldb"
)

func TestCardsSocialNetworksAndNumbersOfAStateAreRefusedByCategory(t *testing.T) {
	for c, want := range map[thimble.Category]bool{
		"user.financial.credit_card":                        true,
		"user.payment":                                      true,
		"user.social":                                       true,
		"user.government_id":                                true,
		"user.government_id.passport_number":                true,
		"user.government_id.national_identification_number": true,
		"user":                           true, // too broad
		"user.financial":                 true, // too broad
		"user.horoscope":                 true, // unknown
		"":                               true,
		"user.financial.bank_account":    false,
		"user.behavior.purchase_history": false,
		"thimble.payment.token":          false,
		"thimble.payment.last_four":      false,
		"thimble.body_measurements":      false,
	} {
		err := datamap.Refuse(c)
		if (err != nil) != want || err != nil && !errors.Is(err, thimble.ErrDenied) {
			t.Errorf("Refuse(%q) = %v, want a denial: %t", c, err, want)
		}
	}
	if err := datamap.Refuse("ada@example.org"); err == nil || strings.Contains(err.Error(), "ada") {
		t.Errorf("an unknown category is repeated: %v", err)
	}
}

func TestARefusedFieldCannotBeRegistered(t *testing.T) {
	for _, c := range []thimble.Category{"user.financial.credit_card", "user.social", "user.government_id.passport_number", "user", "user.shoe_size"} {
		table := datamap.Table{Name: "price_cards", Set: sqldb.Core, Holder: "price", Fields: []datamap.Field{
			{Column: "number", Category: c, Source: "the person", Purposes: []thimble.Purpose{thimble.EssentialService}, Retention: "a year"},
		}}
		if faults := datamap.Faults([]datamap.Table{table}); len(faults) != 1 {
			t.Errorf("a field of category %q: faults %q, want one", c, faults)
		}
	}
}

var refusedValues = map[string][]string{
	"payment card": {
		"4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "5555555555554444", "2223003122003222", "378282246310005",
		"3782 822463 10005", "6011111111111117", "3530111333300000", "30569309025904", "6200000000000005",
		"my card is 4111 1111 1111 1111 12/27, please", "4111111111111111 123", "card:5555555555554444;",
	},
	"DNI":             {"12345678Z", "12345678-z", "X1234567L"},
	"codice fiscale":  {"RSSMRA85T10A562S", "rssmra85t10a562s"},
	"NIR":             {"255081416802538", "2 55 08 14 168 025 38"},
	"henkilötunnus":   {"131052-308T"},
	"PESEL":           {"44051401359"},
	"CPF":             {"529.982.247-25"},
	"Chinese":         {"11010519491231002X"},
	"Aadhaar":         {"2341 2341 2346"},
	"social security": {"219-09-9999"},
}

func TestAValueThatLooksLikeARefusedNumberIsRefusedAndNotRepeated(t *testing.T) {
	for kind, values := range refusedValues {
		for _, v := range values {
			err := datamap.RefuseValue("note", "user.content.private", v)
			if !errors.Is(err, thimble.ErrDenied) || !strings.Contains(err.Error(), kind) || !strings.HasPrefix(err.Error(), "datamap: note: ") {
				t.Errorf("a %s: got %v, want a denial that names field and kind", kind, err)
				continue
			}
			for _, part := range strings.FieldsFunc(v, func(r rune) bool { return r == ' ' || r == '-' || r == '.' }) {
				if len(part) > 3 && strings.Contains(err.Error(), part) && part != "card" {
					t.Errorf("the error repeats a part of the value: %v", err)
				}
			}
		}
	}
}

func TestOrdinaryValuesPass(t *testing.T) {
	for _, v := range []string{
		"", "red shirt, size 38", "536365", "85123A", "2011-12-09T12:50:00Z", "ada@example.org", "+44 20 7946 0958", "020 7946 0958",
		"4006381333931",           // an article number (EAN-13)
		"4111111111111112",        // the check digit is wrong
		"1111111111111117",        // no issuer begins so
		"a4111111111111111",       // part of a word
		"41111111111111110000000", // part of a longer number
		"12345678A", "RSSMRA85T10A562T", "131052-308U", "529.982.247-26", "11010519491231002Y", "2341 2341 2347",
		"999-09-9999", "000-12-3456", "123-00-4567",
		"sub_3f000000000000000000000000", "10.1.2.3", "1.250,00", "12.03.2026",
	} {
		if err := datamap.RefuseValue("note", "user.content.private", v); err != nil {
			t.Errorf("%q is refused: %v", v, err)
		}
	}
	if err := datamap.RefuseValue("phone", "user.contact.phone_number", "44051401359"); err != nil {
		t.Errorf("a telephone number of eleven digits is refused: %v", err)
	}
}

// Numbers of the shop's own that pass the check by chance are the cost: it is bounded.
func TestFewRandomNumbersAreRefused(t *testing.T) {
	draw := rand.New(rand.NewPCG(4, 1))
	for _, n := range []int{8, 10, 12, 13, 16} {
		refused := 0
		for range 10_000 {
			b := make([]byte, n)
			for i := range b {
				b[i] = '0' + byte(draw.IntN(10))
			}
			if datamap.RefuseValue("number", "user.behavior.purchase_history", string(b)) != nil {
				refused++
			}
		}
		// A tenth passes Luhn's check, and a quarter of all 16 digits begins as a card does.
		if most := map[int]int{16: 400}[n]; refused > most {
			t.Errorf("%d of 10,000 random numbers of %d digits are refused, at most %d were expected", refused, n, most)
		}
	}
}

func TestOneWrongDigitIsNoCard(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := []byte("4111111111111111")
		i := rapid.IntRange(1, len(b)-1).Draw(t, "place")
		b[i] = '0' + (b[i]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "by")))%10
		if err := datamap.RefuseValue("note", "user.content.private", string(b)); err != nil {
			t.Fatalf("one wrong digit at %d still looks like a card", i)
		}
	})
}

func FuzzRefuseValue(f *testing.F) {
	for _, values := range refusedValues {
		for _, v := range values {
			f.Add(v)
		}
	}
	f.Add("4111 1111 é 1111")
	f.Fuzz(func(t *testing.T, value string) {
		err := datamap.RefuseValue("f", "user.content.private", value)
		if err != nil && !errors.Is(err, thimble.ErrDenied) {
			t.Error("an error of another kind")
		}
		// What is refused stays refused inside a sentence.
		if err != nil && datamap.RefuseValue("f", "user.content.private", fmt.Sprintf("so (%s), see", value)) == nil {
			t.Errorf("%q is refused alone and not within a text", value)
		}
	})
}
