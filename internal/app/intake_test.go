package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"thimble"
)

func TestATableOfCountriesThatIsWrongIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "countries.csv")
	cfg := Config{Countries: file, sources: map[string]string{"countries": "the file"}}
	if _, err := countries(cfg); !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(err.Error(), "countries (from the file)") {
		t.Errorf("a file that is not there: %v", err)
	}
	for text, good := range map[string]bool{"192.0.2.0/24,DE\n": true, "192.0.2.0/24,DE\nwrong": false} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := countries(cfg); (err == nil) != good || good && got.Len() == 0 {
			t.Errorf("%q: %v", text, err)
		}
	}
	if got, err := countries(Config{}); got != nil || err != nil {
		t.Errorf("no table: %v, %v", got, err)
	}
}
