package why_test

import (
	"testing"

	"github.com/ko-health/kohealth/builder/why"
)

// TestTimeouts holds what programs say of a timeout against what sounds like one.
func TestTimeouts(t *testing.T) {
	for output, want := range map[string]bool{
		"Health check exceeded timeout (1s)":                                                               true,
		"unhealthy: GET http://:8080/: timed out (3000ms)":                                                 true,
		"curl: (28) Operation timed out after 1001 milliseconds with 0 bytes received":                     true,
		"wget: download timed out":                                                                         true,
		"Error: connect ETIMEDOUT 127.0.0.1:8080":                                                          true,
		"java.net.SocketTimeoutException: Read timed out":                                                  true,
		`Get "http://10.0.0.1:8080/": net/http: request canceled (Client.Timeout exceeded)`:                true,
		"timeout: health rpc did not complete within 1s":                                                   true,
		"dial tcp 127.0.0.1:8080: i/o timeout":                                                             true,
		"timeout: can't execute 'curl': No such file or directory":                                         false,
		"timeout: failed to run command 'curl': No such file or directory":                                 false,
		"nc: invalid option -- 'z'\n\nUsage: nc [-iN] [-wN]\n\n\t-w SEC\tConnect timeout\n\t-i SEC\tDelay": false,
		"curl: option --max-timeout: is unknown":                                                           false,
		"The requested URL returned error: 504 Gateway Timeout":                                            false,
		"unhealthy: GET http://:8080/: 408 Request Timeout (1ms)":                                          false,
	} {
		if got := (why.Run{ExitCode: 1, Output: output}).IsTimeout(); got != want {
			t.Errorf("%q: %t", output, got)
		}
	}
}
