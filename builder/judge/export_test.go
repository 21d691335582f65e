package judge

import "context"

// Status returns whether a check can pass, and whether it can fail.
func Status(ctx context.Context, check Check, c Container) (pass, fail bool, err error) {
	r, err := judge(ctx, check, c)
	if err != nil {
		return false, false, err
	}
	return r.result&passes != 0, r.result&fails != 0 || r.result == 0, nil
}
