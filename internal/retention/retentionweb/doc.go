// Package retentionweb has the pages of retention and holds in the console, and what the
// privacy centre says of how long something is kept.
package retentionweb
