package app

import (
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"go.yaml.in/yaml/v4"

	"thimble"
	"thimble/internal/collect/hooks"
	"thimble/internal/session"
	"thimble/internal/staff"
	"thimble/internal/web"
)

// Config is everything an installation can be told. Flags win over environment,
// environment over the file, the file over the defaults.
type Config struct {
	Listen    string // host:port
	PublicURL string // as people reach it; derived from Listen when empty
	TLSCert   string
	TLSKey    string
	// OpenDSRCert and OpenDSRKey sign what controllers are answered; empty means that none is.
	OpenDSRCert, OpenDSRKey string
	OpenDSRRoots            string // authorities of processors' certificates; empty means the machine's
	Proxies                 string // networks of the proxies in front, with blanks between
	Data                    string // the folder
	Apart                   string // the folder of what no backup may hold; empty means that nothing is kept so

	BackupTo         string        // folder of the set that the server backs itself up to; empty means that it does not
	BackupRecipients string        // file with age recipients, one a line
	BackupEvery      time.Duration // how often
	BackupKeep       time.Duration // for how long a backup is kept; 0 means as long as it opens

	DatabaseURL string // PostgreSQL; empty means SQLite in the folder
	KeysURL     string // PostgreSQL for the keys; empty means DatabaseURL

	RootPassphrase    string // seals the root key; empty means the file's mode protects it
	ControllerName    string // who answers for the use of the data, as receipts of consent name it
	ControllerContact string // how to reach them: an address of mail or of a page

	Packs         string // folder with packs of the operator's own
	PackKeys      string // verifier keys that may sign them, with blanks between
	PackHashes    string // hex SHA-256 of unsigned packs that are taken
	Establishment string // where the shop is established, with commas
	Facts         string // about the shop, as thresholds of laws name them

	StaffPolicies string // folder with Cedar policies of the operator's own
	Countries     string // file with ranges of addresses and their countries; empty means that none is looked up

	ShopKeys   string // a JSON Web Key Set with the public keys of the shop
	ShopIssuer string // the "iss" of the shop's tokens

	SMTPURL  string       // the mail server; empty means that no letters are sent
	MailFrom string       // the sender of letters
	Hooks    string       // feeds of shop systems with their secrets
	Buffer   BufferConfig // of events, on three nodes

	DRPBusiness string // this business in the service directory of the Data Rights Protocol; empty means that no agent can ask

	DeletionDomain   string // the shop's domain, as firms that pass on requests to delete know it; empty means that none is taken
	DeletionPartners string // folder with the discovery files of these firms

	DropFolder string // where files for recipients are put; empty means nowhere
	Loopback   string // endpoints on this machine that disclosures may go to, with blanks between; for development

	WitnessPolicy string // a C2SP tlog-policy file; empty means no witnesses
	LogLevel      string
	LogFormat     string
	Traces        string // OTLP over HTTP endpoint; empty means none
	MaxBody       int64  // bytes
	Connections   int    // at once
	CollectRate   int    // requests a second of one source of events; 0 means no bound
	Reserve       int64  // bytes of the disk that events leave free
	Shutdown      time.Duration
	LearnEvery    time.Duration // how often orders that came in are taken into the recommender
	Demo          bool

	// Lease is for how long a process may judge without having heard of the others; 0
	// means one second. It is for tests, on machines that are busy for longer.
	Lease time.Duration
	// PasswordCost is what the hash of a password of staff takes; the default when zero. It
	// is for tests.
	PasswordCost staff.Cost
	// LearnPause is how long a training lasts before a yes to training asks for another; 0 means
	// a minute. It is for tests, which do not wait.
	LearnPause time.Duration
	// ListRules is a file with the shop's rules for lists; "" is none.
	ListRules string
	// ListsFresh is how long a change of the catalogue may take to reach lists; 0 means
	// none. Load says three seconds.
	ListsFresh time.Duration
	// Now is the clock of the whole installation; nil means time.Now. It is for tests.
	Now func() time.Time

	sources map[string]string
}

// A setting is one key of the configuration.
type setting struct {
	key, usage, fallback string
	secret               bool
	set                  func(*Config, string) error
	get                  func(*Config) string
}

func text(at func(*Config) *string) (func(*Config, string) error, func(*Config) string) {
	return func(c *Config, v string) error { *at(c) = v; return nil }, func(c *Config) string { return *at(c) }
}

func stringSetting(key, usage, fallback string, at func(*Config) *string) setting {
	set, get := text(at)
	return setting{key: key, usage: usage, fallback: fallback, set: set, get: get}
}

func secretSetting(key, usage string, at func(*Config) *string) setting {
	s := stringSetting(key, usage, "", at)
	s.secret = true
	return s
}

func numberSetting(key, usage, fallback string, at func(*Config) *int) setting {
	return setting{key: key, usage: usage, fallback: fallback,
		set: func(c *Config, v string) (err error) { *at(c), err = strconv.Atoi(v); return err },
		get: func(c *Config) string { return strconv.Itoa(*at(c)) },
	}
}

var settings = append([]setting{
	stringSetting("listen", "host and port to serve on", "localhost:8080", func(c *Config) *string { return &c.Listen }),
	stringSetting("public-url", "the address people reach it at, such as https://thimble.example", "", func(c *Config) *string { return &c.PublicURL }),
	stringSetting("tls-cert", "certificate file in PEM; needed outside loopback", "", func(c *Config) *string { return &c.TLSCert }),
	stringSetting("tls-key", "key file in PEM", "", func(c *Config) *string { return &c.TLSKey }),
	stringSetting("opendsr-cert", "certificate file in PEM for the host of public-url, by which answers of OpenDSR are signed; empty means that nobody is answered", "", func(c *Config) *string { return &c.OpenDSRCert }),
	stringSetting("opendsr-key", "its key file in PEM", "", func(c *Config) *string { return &c.OpenDSRKey }),
	stringSetting("opendsr-roots", "file in PEM with the authorities that certificates of processors are held against; empty means the machine's", "", func(c *Config) *string { return &c.OpenDSRRoots }),
	stringSetting("trusted-proxies", "networks of the proxies in front, such as 127.0.0.1 10.0.0.0/8, whose X-Forwarded-For is believed", "", func(c *Config) *string { return &c.Proxies }),
	stringSetting("data", "the data folder", "data", func(c *Config) *string { return &c.Data }),
	secretSetting("database-url", "postgres:// URL; empty means SQLite in the data folder", func(c *Config) *string { return &c.DatabaseURL }),
	secretSetting("keys-url", "postgres:// URL for the keys; empty means database-url", func(c *Config) *string { return &c.KeysURL }),
	secretSetting("root-passphrase", "seals the root key file", func(c *Config) *string { return &c.RootPassphrase }),
	stringSetting("controller-name", "who answers for the use of people's data, as records of consent name it", "", func(c *Config) *string { return &c.ControllerName }),
	stringSetting("controller-contact", "how people reach them: an address of mail or of a page", "", func(c *Config) *string { return &c.ControllerContact }),
	stringSetting("countries", "file with ranges of internet addresses and their countries, as CSV; an event's address becomes a country and is let go", "", func(c *Config) *string { return &c.Countries }),
	stringSetting("staff-policies", "folder with rules of your own for staff, in Cedar, beside those that ship", "", func(c *Config) *string { return &c.StaffPolicies }),
	stringSetting("shop-keys", "file with the shop's public keys (JSON Web Key Set), by whose tokens its customers come in", "", func(c *Config) *string { return &c.ShopKeys }),
	stringSetting("shop-issuer", "who signs these tokens: their iss", "", func(c *Config) *string { return &c.ShopIssuer }),
	secretSetting("smtp-url", "the mail server, smtp://USER:PASSWORD@HOST:PORT or smtps://…; empty sends no letters", func(c *Config) *string { return &c.SMTPURL }),
	stringSetting("mail-from", "the sender of letters, such as Shop <shop@shop.example>", "", func(c *Config) *string { return &c.MailFrom }),
	secretSetting("hooks", "shop systems that deliver to /hooks/SYSTEM/NAME, as SYSTEM/NAME=SECRET with blanks between, such as shopify/main=…; empty takes none", func(c *Config) *string { return &c.Hooks }),
	stringSetting("drp-business", "the shop's id in the service directory of the Data Rights Protocol, such as LINEN_SHOP; empty takes no request of an agent", "", func(c *Config) *string { return &c.DRPBusiness }),
	stringSetting("deletion-domain", "the shop's domain, such as shop.example, by which other firms pass on requests to delete (IAB Data Deletion Request Framework); empty takes none", "", func(c *Config) *string { return &c.DeletionDomain }),
	stringSetting("deletion-partners", "folder with the dsrdelete.json of each of these firms, saved as DOMAIN.json; nothing is fetched", "", func(c *Config) *string { return &c.DeletionPartners }),
	stringSetting("drop-folder", "absolute path of the folder in which recipients find their files", "", func(c *Config) *string { return &c.DropFolder }),
	stringSetting("disclose-loopback", "endpoints on this machine that data may be sent to, host:port with blanks between; for development only", "", func(c *Config) *string { return &c.Loopback }),
	stringSetting("witness-policy", "file that names the witnesses of the ledger and their quorum (C2SP tlog-policy)", "", func(c *Config) *string { return &c.WitnessPolicy }),
	stringSetting("list-rules", "file with the shop's rules for lists, in JSON: boosts, windows, campaigns and more (docs/recommend.md)", "", func(c *Config) *string { return &c.ListRules }),
	stringSetting("packs", "folder with laws of your own, each NAME.yaml with NAME.yaml.sig beside it", "", func(c *Config) *string { return &c.Packs }),
	stringSetting("packs-keys", "verifier keys that may sign packs, with blanks between", "", func(c *Config) *string { return &c.PackKeys }),
	stringSetting("packs-accept", "SHA-256 of unsigned packs that are taken all the same, with commas", "", func(c *Config) *string { return &c.PackHashes }),
	stringSetting("establishment", "where the shop is established, such as DE; several with commas", "", func(c *Config) *string { return &c.Establishment }),
	stringSetting("facts", "facts about the shop that laws ask, such as marketplace=1,consumers_in_ct=40000", "", func(c *Config) *string { return &c.Facts }),
	stringSetting("log-level", "debug, info, warn or error", "info", func(c *Config) *string { return &c.LogLevel }),
	stringSetting("log-format", "text or json", "text", func(c *Config) *string { return &c.LogFormat }),
	stringSetting("traces", "OTLP/HTTP endpoint for traces; empty means none", "", func(c *Config) *string { return &c.Traces }),
	{
		key: "max-body", usage: "largest request body in bytes", fallback: "1048576",
		set: func(c *Config, v string) (err error) { c.MaxBody, err = strconv.ParseInt(v, 10, 64); return err },
		get: func(c *Config) string { return strconv.FormatInt(c.MaxBody, 10) },
	},
	numberSetting("max-connections", "connections at once; beyond, those that have waited longest without a request are closed", "4096", func(c *Config) *int { return &c.Connections }),
	numberSetting("collect-rate", "requests a second that one source of events may send; 0 means no bound", "20000", func(c *Config) *int { return &c.CollectRate }),
	{
		key: "disk-reserve", usage: "bytes of the data folder's disk that events leave free: below, they are answered 503", fallback: "268435456",
		set: func(c *Config, v string) (err error) { c.Reserve, err = strconv.ParseInt(v, 10, 64); return err },
		get: func(c *Config) string { return strconv.FormatInt(c.Reserve, 10) },
	},
	{
		key: "backup-to", usage: "folder of the set that the server backs itself up to; needs apart and backup-recipients",
		set: func(c *Config, v string) error { c.BackupTo = v; return nil },
		get: func(c *Config) string { return c.BackupTo },
	}, {
		key: "backup-recipients", usage: "file with age recipients, one a line: who may open the set together with the root",
		set: func(c *Config, v string) error { c.BackupRecipients = v; return nil },
		get: func(c *Config) string { return c.BackupRecipients },
	}, {
		key: "backup-every", usage: "how often the server backs itself up", fallback: "1h0m0s",
		set: func(c *Config, v string) (err error) { c.BackupEvery, err = time.ParseDuration(v); return err },
		get: func(c *Config) string { return c.BackupEvery.String() },
	}, {
		key: "backup-keep", usage: "for how long a backup of the server is kept, such as 336h; 0s: as long as it opens", fallback: "0s",
		set: func(c *Config, v string) (err error) { c.BackupKeep, err = time.ParseDuration(v); return err },
		get: func(c *Config) string { return c.BackupKeep.String() },
	}, {
		key: "learn-every", usage: "how often orders that came in are taken into the recommender, without a training", fallback: "10m0s",
		set: func(c *Config, v string) (err error) { c.LearnEvery, err = time.ParseDuration(v); return err },
		get: func(c *Config) string { return c.LearnEvery.String() },
	},
	{
		key: "shutdown", usage: "how long requests may take to end at shutdown", fallback: "15s",
		set: func(c *Config, v string) (err error) { c.Shutdown, err = time.ParseDuration(v); return err },
		get: func(c *Config) string { return c.Shutdown.String() },
	},
}, append(apartSettings, bufferSettings...)...)

// Flags are the settings as command-line flags: key and usage.
func Flags(each func(key, usage, fallback string)) {
	for _, s := range settings {
		each(s.key, s.usage, s.fallback)
	}
}

// EnvName returns the environment variable of a key.
func EnvName(key string) string {
	return "THIMBLE_" + strings.ToUpper(strings.ReplaceAll(key, "-", "_"))
}

// listsFresh is how long a product that was withdrawn may be in a list.
const listsFresh = 3 * time.Second

// Load puts a configuration together. Flags holds those that were given; file is
// the configuration file, "" for thimble.yaml in the working folder if there is
// one. Each error names the key and where its value came from.
func Load(flags map[string]string, env func(string) string, file string) (Config, error) {
	c := Config{sources: map[string]string{}, ListsFresh: listsFresh}
	inFile, err := readFile(&file)
	if err != nil {
		return c, err
	}
	for _, s := range settings {
		value, source := s.fallback, "default"
		if v, ok := inFile[s.key]; ok {
			value, source = v, file
			delete(inFile, s.key)
		}
		if v := env(EnvName(s.key)); v != "" {
			value, source = v, EnvName(s.key)
		}
		if v, ok := flags[s.key]; ok {
			value, source = v, "--"+s.key
		}
		if err := s.set(&c, value); err != nil {
			return c, fmt.Errorf("configuration: %s (from %s): %q does not fit: %s: %w", s.key, source, shown(s, value), s.usage, thimble.ErrInvalid)
		}
		c.sources[s.key] = source
	}
	for key := range inFile {
		return c, fmt.Errorf("configuration: %s: unknown key %q: %w", file, key, thimble.ErrInvalid)
	}
	return c, c.check()
}

func readFile(file *string) (map[string]string, error) {
	given := *file != ""
	if !given {
		*file = "thimble.yaml"
	}
	b, err := os.ReadFile(*file)
	if os.IsNotExist(err) && !given {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("configuration: %w: %w", err, thimble.ErrInvalid)
	}
	values := map[string]string{}
	if err := yaml.Unmarshal(b, &values); err != nil {
		return nil, fmt.Errorf("configuration: %s: keys with values were expected: %w: %w", *file, err, thimble.ErrInvalid)
	}
	return values, nil
}

// clock returns the clock of the installation.
func (c *Config) clock() func() time.Time {
	if c.Now == nil {
		return time.Now
	}
	return c.Now
}

func (c *Config) check() error {
	wrong := func(key, rule string) error {
		return fmt.Errorf("configuration: %s (from %s): %s: %w", key, c.sources[key], rule, thimble.ErrInvalid)
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return wrong("listen", "host:port was expected, such as localhost:8080")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return wrong("listen", "the port is a number from 0 to 65535")
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return wrong("tls-cert", "tls-cert and tls-key go together")
	}
	// Personal data does not cross a network in the clear.
	if !loopback(host) && c.TLSCert == "" {
		return wrong("listen", "outside loopback, tls-cert and tls-key are needed")
	}
	if key, rule := c.Buffer.check(c.DatabaseURL); key != "" {
		return wrong(key, rule)
	}
	for _, check := range []func() (key, rule string){c.checkMail, c.checkApart} {
		if key, rule := check(); key != "" {
			return wrong(key, rule)
		}
	}
	if _, err := web.ParseProxies(c.Proxies); err != nil {
		return wrong("trusted-proxies", "networks were expected, such as 127.0.0.1 10.0.0.0/8")
	}
	if _, err := hooks.Parse(c.Hooks); err != nil {
		return wrong("hooks", err.Error())
	}
	switch {
	case c.Data == "":
		return wrong("data", "a folder is needed")
	case c.LogLevel != "debug" && c.LogLevel != "info" && c.LogLevel != "warn" && c.LogLevel != "error":
		return wrong("log-level", "debug, info, warn or error was expected")
	case c.LogFormat != "text" && c.LogFormat != "json":
		return wrong("log-format", "text or json was expected")
	case c.MaxBody < 1024:
		return wrong("max-body", "1024 or more was expected")
	case c.Connections < 16:
		return wrong("max-connections", "16 or more was expected")
	case c.CollectRate < 0:
		return wrong("collect-rate", "0 or more was expected")
	case c.Reserve < 0:
		return wrong("disk-reserve", "0 or more was expected")
	case c.LearnEvery <= 0:
		return wrong("learn-every", "a positive duration was expected")
	case c.Shutdown <= 0:
		return wrong("shutdown", "a positive duration was expected")
	case c.DatabaseURL != "" && !strings.HasPrefix(c.DatabaseURL, "postgres://") && !strings.HasPrefix(c.DatabaseURL, "postgresql://"):
		return wrong("database-url", "postgres://… was expected")
	case c.KeysURL != "" && !strings.HasPrefix(c.KeysURL, "postgres://") && !strings.HasPrefix(c.KeysURL, "postgresql://"):
		return wrong("keys-url", "postgres://… was expected")
	case c.PublicURL != "" && !strings.HasPrefix(c.PublicURL, "https://") && !strings.HasPrefix(c.PublicURL, "http://"):
		return wrong("public-url", "https://… was expected")
	}
	return c.checkBackup(wrong)
}

func (c *Config) checkBackup(wrong func(key, rule string) error) error {
	switch {
	case c.BackupTo != "" && c.Apart == "":
		return wrong("backup-to", "the setting apart was expected with it: without tombstones no backup can be put back")
	case c.BackupTo != "" && c.BackupRecipients == "":
		return wrong("backup-recipients", "a file with age recipients was expected: who may open the set")
	case c.BackupTo != "" && c.BackupEvery < time.Minute:
		return wrong("backup-every", "a minute at least was expected")
	case c.BackupKeep < 0 || c.BackupKeep > 0 && c.BackupKeep < 48*time.Hour:
		return wrong("backup-keep", "48h at least was expected, or 0s")
	}
	return nil
}

// shopKeys reads the shop's keys; without a file no shop is believed.
func (c *Config) shopKeys() (session.ShopKeys, error) {
	if c.ShopKeys == "" {
		return session.ShopKeys{}, nil
	}
	set, err := os.ReadFile(c.ShopKeys)
	if err != nil {
		return session.ShopKeys{}, fmt.Errorf("configuration: shop-keys: %w: %w", cause(err), thimble.ErrInvalid)
	}
	keys, err := session.ParseShopKeys(c.ShopIssuer, set)
	if err != nil {
		return keys, fmt.Errorf("configuration: shop-keys: %w", err)
	}
	return keys, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func shown(s setting, value string) string {
	if s.secret && value != "" {
		return "[hidden]"
	}
	return value
}

// Print writes each key, its value and where it came from. Secrets are hidden.
func (c *Config) Print(w io.Writer) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "KEY\tVALUE\tFROM")
	for _, s := range settings {
		fmt.Fprintf(tab, "%s\t%s\t%s\n", s.key, shown(s, s.get(c)), c.sources[s.key])
	}
	return tab.Flush()
}

// folder makes the data folder, or says in one line why it cannot.
func (c *Config) folder(parts ...string) (string, error) {
	path := filepath.Join(append([]string{c.Data}, parts...)...)
	if err := os.MkdirAll(path, 0o700); err != nil {
		cause := err
		if e, ok := err.(*fs.PathError); ok { //nolint:errorlint // MkdirAll returns it bare
			cause = e.Err
		}
		return "", fmt.Errorf("data folder %s cannot be made: %w: %w", path, cause, thimble.ErrInvalid)
	}
	return path, nil
}
