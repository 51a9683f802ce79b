# Sign-in of people who have AWS IoT Core sign for their devices from Gangway's page. The same as sign-in.yaml.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.40"
    }
  }
}

variable "return_address" {
  description = "The signer's own address at the panel, e.g. https://panel.example/link/signed-in/sgn_01jd8r3k5m7n9p1q3s5t7v9x1z"
  type        = string

  validation {
    condition     = can(regex("^https://[a-z0-9.-]+(:[0-9]+)?/link/signed-in/sgn_[0-9a-z]+$", var.return_address))
    error_message = "As the page Signers shows it when the signer is changed."
  }
}

variable "domain_prefix" {
  description = "First label of the managed login's address, not taken by anybody else in the region"
  type        = string
}

data "aws_region" "here" {}
data "aws_caller_identity" "own" {}
data "aws_partition" "own" {}

resource "aws_cognito_user_pool" "people" {
  name                     = "gangway-sign-in"
  username_attributes      = ["email"]
  auto_verified_attributes = ["email"]
  mfa_configuration        = "OPTIONAL"
  deletion_protection      = "ACTIVE"

  # People are invited by an admin of the account.
  admin_create_user_config {
    allow_admin_create_user_only = true
  }

  software_token_mfa_configuration {
    enabled = true
  }

  password_policy {
    minimum_length = 12
  }
}

resource "aws_cognito_user_pool_domain" "managed_login" {
  user_pool_id = aws_cognito_user_pool.people.id
  domain       = var.domain_prefix
}

resource "aws_cognito_user_pool_client" "gangway" {
  name         = "gangway"
  user_pool_id = aws_cognito_user_pool.people.id

  # A page keeps no secret: PKCE binds the code to it.
  generate_secret                      = false
  allowed_oauth_flows_user_pool_client = true
  allowed_oauth_flows                  = ["code"]
  allowed_oauth_scopes                 = ["openid"]
  callback_urls                        = [var.return_address]
  supported_identity_providers         = ["COGNITO"]
  explicit_auth_flows                  = ["ALLOW_REFRESH_TOKEN_AUTH"]
  prevent_user_existence_errors        = "ENABLED"
  enable_token_revocation              = true
  access_token_validity                = 60
  id_token_validity                    = 60
  refresh_token_validity               = 12

  token_validity_units {
    access_token  = "minutes"
    id_token      = "minutes"
    refresh_token = "hours"
  }
}

resource "aws_cognito_identity_pool" "people" {
  identity_pool_name               = "gangway-sign-in"
  allow_unauthenticated_identities = false
  allow_classic_flow               = false

  cognito_identity_providers {
    provider_name = aws_cognito_user_pool.people.endpoint
    client_id     = aws_cognito_user_pool_client.gangway.id
    # A user who was disabled gets no further credentials.
    server_side_token_check = true
  }
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = ["cognito-identity.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "cognito-identity.amazonaws.com:aud"
      values   = [aws_cognito_identity_pool.people.id]
    }

    condition {
      test     = "ForAnyValue:StringLike"
      variable = "cognito-identity.amazonaws.com:amr"
      values   = ["authenticated"]
    }
  }
}

data "aws_iam_policy_document" "enrol" {
  # AWS knows neither resources nor conditions for these two.
  statement {
    actions   = ["iot:CreateCertificateFromCsr", "iot:ListCertificates"]
    resources = ["*"]
  }

  statement {
    actions = ["iot:DescribeCertificate", "iot:UpdateCertificate"]
    resources = [
      "arn:${data.aws_partition.own.partition}:iot:${data.aws_region.here.name}:${data.aws_caller_identity.own.account_id}:cert/*"
    ]
  }
}

resource "aws_iam_role" "enrol" {
  name_prefix          = "gangway-enrol-"
  description          = "Has AWS IoT Core sign requests of devices; for people signed in to the user pool"
  max_session_duration = 3600
  assume_role_policy   = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "enrol" {
  name   = "enrol"
  role   = aws_iam_role.enrol.id
  policy = data.aws_iam_policy_document.enrol.json
}

resource "aws_cognito_identity_pool_roles_attachment" "people" {
  identity_pool_id = aws_cognito_identity_pool.people.id

  roles = {
    authenticated = aws_iam_role.enrol.arn
  }
}

output "region" {
  value = data.aws_region.here.name
}

output "managed_login_address" {
  value = "https://${var.domain_prefix}.auth.${data.aws_region.here.name}.amazoncognito.com"
}

output "user_pool_id" {
  value = aws_cognito_user_pool.people.id
}

output "app_client_id" {
  value = aws_cognito_user_pool_client.gangway.id
}

output "identity_pool_id" {
  value = aws_cognito_identity_pool.people.id
}
