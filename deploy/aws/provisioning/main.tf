# Fleet provisioning by trusted user for Gangway, with a hook that asks Gangway. The same as provisioning.yaml.

terraform {
  required_version = ">= 1.5"
  required_providers {
    archive = {
      source  = "hashicorp/archive"
      version = ">= 2.4"
    }
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.40"
    }
  }
}

variable "panel_address" {
  description = "The panel, e.g. https://panel.example"
  type        = string

  validation {
    condition     = can(regex("^https://[a-z0-9.-]+(:[0-9]+)?$", var.panel_address))
    error_message = "An https address without a path."
  }
}

variable "organisation" {
  description = "The organisation's id at Gangway"
  type        = string

  validation {
    condition     = can(regex("^org_[0-9a-z]{26}$", var.organisation))
    error_message = "An id like org_01jd8r3k5m7n9p1q3s5t7v9x1z."
  }
}

variable "token_secret" {
  description = "ARN of the secret in Secrets Manager that holds an API token of that organisation with the scope fleet:read"
  type        = string
}

variable "template_name" {
  type    = string
  default = "gangway"
}

data "aws_region" "here" {}
data "aws_caller_identity" "own" {}
data "aws_partition" "own" {}

resource "aws_iot_policy" "device" {
  name   = "${var.template_name}-device"
  policy = file("${path.module}/../device-policy.json")
}

resource "aws_iam_role" "hook" {
  name_prefix = "gangway-hook-"
  description = "Asks Gangway whether a device is approved"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "hook_log" {
  role       = aws_iam_role.hook.name
  policy_arn = "arn:${data.aws_partition.own.partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_iam_role_policy" "hook_token" {
  name = "token"
  role = aws_iam_role.hook.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "secretsmanager:GetSecretValue"
      Resource = var.token_secret
    }]
  })
}

data "archive_file" "hook" {
  type        = "zip"
  output_path = "${path.module}/.terraform/hook.zip"

  source {
    content  = file("${path.module}/../hook.py")
    filename = "index.py"
  }
}

resource "aws_lambda_function" "hook" {
  function_name    = "gangway-${var.template_name}-hook"
  description      = "Lets AWS IoT register a device while Gangway has it approved"
  runtime          = "python3.13"
  handler          = "index.handler"
  filename         = data.archive_file.hook.output_path
  source_code_hash = data.archive_file.hook.output_base64sha256
  role             = aws_iam_role.hook.arn
  memory_size      = 256
  # AWS IoT waits for five seconds.
  timeout = 5

  environment {
    variables = {
      PANEL        = var.panel_address
      ORGANISATION = var.organisation
      TOKEN_SECRET = var.token_secret
    }
  }
}

resource "aws_lambda_permission" "hook" {
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.hook.function_name
  principal      = "iot.amazonaws.com"
  source_account = data.aws_caller_identity.own.account_id
  source_arn = join(":", [
    "arn", data.aws_partition.own.partition, "iot", data.aws_region.here.name, data.aws_caller_identity.own.account_id,
    "provisioningtemplate/${var.template_name}",
  ])
}

resource "aws_iam_role" "provisioning" {
  name_prefix = "gangway-provisioning-"
  description = "With it AWS IoT registers devices by the template"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "iot.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.own.account_id } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "provisioning" {
  role       = aws_iam_role.provisioning.name
  policy_arn = "arn:${data.aws_partition.own.partition}:iam::aws:policy/service-role/AWSIoTThingsRegistration"
}

resource "aws_iot_provisioning_template" "gangway" {
  name                  = var.template_name
  description           = "Devices that Gangway has approved"
  enabled               = true
  provisioning_role_arn = aws_iam_role.provisioning.arn
  template_body         = replace(file("${path.module}/../provisioning-template.json"), "gangway-device", aws_iot_policy.device.name)

  pre_provisioning_hook {
    payload_version = "2020-04-01"
    target_arn      = aws_lambda_function.hook.arn
  }

  depends_on = [aws_lambda_permission.hook]
}

# To be attached to the role with which people enrol devices.
resource "aws_iam_policy" "claims" {
  name_prefix = "gangway-claims-"
  description = "Makes claims for devices by Gangway's template"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = "iot:CreateProvisioningClaim"
        Resource = aws_iot_provisioning_template.gangway.arn
      },
      # What a device hands in is compared with what AWS has made. The list cannot be narrowed.
      {
        Effect   = "Allow"
        Action   = "iot:ListCertificates"
        Resource = "*"
      },
      {
        Effect   = "Allow"
        Action   = "iot:DescribeCertificate"
        Resource = "arn:${data.aws_partition.own.partition}:iot:${data.aws_region.here.name}:${data.aws_caller_identity.own.account_id}:cert/*"
      },
    ]
  })
}

output "template_name" {
  value = aws_iot_provisioning_template.gangway.name
}

output "parameters" {
  description = "Parameters of the template, for the page Signers"
  value       = "Device=device, SerialNumber=serial"
}

output "claim_policy_arn" {
  value = aws_iam_policy.claims.arn
}
