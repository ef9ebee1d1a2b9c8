package vault

// QuickPassphrase costs milliseconds instead of a second.
func QuickPassphrase(words string) Lock { return passphrase(words, 10) }
