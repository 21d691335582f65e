package render

// cloudFormation writes a property of AWS::ECS::TaskDefinition's ContainerDefinition.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-ecs-taskdefinition-healthcheck.html
func cloudFormation(r *rendering) error {
	hc, err := r.ecs()
	if err != nil {
		return err
	}
	if err := r.checkDynamic(); err != nil {
		return err
	}
	var definition struct {
		HealthCheck struct {
			Command     words `yaml:"Command"`
			Interval    int   `yaml:"Interval"`
			Timeout     int   `yaml:"Timeout"`
			Retries     int   `yaml:"Retries"`
			StartPeriod int   `yaml:"StartPeriod"`
		} `yaml:"HealthCheck"`
	}
	out := &definition.HealthCheck
	out.Command, out.Interval, out.Timeout = hc.Command, hc.Interval, hc.Timeout
	out.Retries, out.StartPeriod = hc.Retries, hc.StartPeriod
	return r.yaml(definition)
}
