//go:build payload

package payload

import _ "embed"

// The build lays it here; it is never committed.
//
//go:embed payload.tar.gz
var archive []byte
