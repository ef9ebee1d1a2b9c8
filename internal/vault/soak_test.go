package vault

import "os"

// soak reports whether the long versions of tests are wanted.
func soak() bool { return os.Getenv("THIMBLE_SOAK") != "" }
