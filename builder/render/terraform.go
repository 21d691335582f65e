package render

// terraform writes an attribute of an object that jsonencode makes a container
// definition of.
//
// https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/ecs_task_definition
func terraform(r *rendering) error {
	hc, err := r.ecs()
	if err != nil {
		return err
	}
	if err := checkHCL(hc.Command); err != nil {
		return err
	}
	r.printf(`healthCheck = {
  command     = %s
  interval    = %d
  timeout     = %d
  retries     = %d
  startPeriod = %d
}
`, quotedList(hc.Command, hclString, ", "), hc.Interval, hc.Timeout, hc.Retries, hc.StartPeriod)
	return nil
}
